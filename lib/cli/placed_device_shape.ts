import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { PlacedDevice } from "../planner/placement.ts";
import { orUndefined } from "./or_undefined.ts";

/** How the gateway tells of a device and its layers. Fields of newer versions are left out. */
export const placedDeviceShape: JsonShape<PlacedDevice> = z.object({
  endpoint: z.string(),
  deviceIndex: z.number(),
  name: z.string(),
  deviceName: z.string().nullish().transform(orUndefined),
  kind: z.enum(["gpu", "cpu"]),
  firstLayer: z.number(),
  layerCount: z.number(),
  hasOutput: z.boolean(),
  weightBytes: z.number(),
  kvBytes: z.number(),
  computeBytes: z.number(),
  needBytes: z.number(),
  freeBytes: z.number(),
  freeAfterBytes: z.number(),
});
