import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { StoredLoad } from "../store/load_rows.ts";
import { orUndefined } from "./or_undefined.ts";

const bytes = z.object({ weightBytes: z.number(), kvBytes: z.number(), computeBytes: z.number() });

const load = z.object({
  id: z.number(),
  recordedAtMs: z.number(),
  model: z.string(),
  architecture: z.string(),
  build: z.string().nullish().transform(orUndefined),
  loadMs: z.number(),
  devices: z.array(
    z.object({ endpoint: z.string(), deviceIndex: z.number(), estimated: bytes, actual: bytes }),
  ),
});

/** How the gateway tells of its loads. Fields of newer versions are left out. */
export const storedLoadsShape: JsonShape<{ readonly loads: readonly StoredLoad[] }> = z.object({
  loads: z.array(load),
});
