import * as z from "zod";
import type { ExternalView } from "../coordinator/external.ts";
import type { JsonShape } from "../json_shape.ts";
import { orUndefined } from "./or_undefined.ts";

const count = z.number().nullish().transform(orUndefined);

const view = z.object({
  url: z.string(),
  health: z.enum(["unknown", "up", "loading", "down"]),
  reason: z.string(),
  models: z.array(z.string()),
  inFlightCount: z.number(),
  slotCount: count,
  ageMs: count,
});

/** How the gateway tells of the coordinators that others run, amid its health. Fields of newer versions are left out. */
export const externalListShape: JsonShape<{ readonly externalCoordinators: readonly ExternalView[] }> = z
  .object({ externalCoordinators: z.array(view).default([]) });
