import * as z from "zod";
import type { UnloadOutcome } from "../coordinator_admin.ts";
import type { JsonShape } from "../json_shape.ts";

/** How the gateway answers `POST /api/admin/models/unload`. Fields of newer versions are left out. */
export const unloadOutcomeShape: JsonShape<UnloadOutcome> = z.object({
  outcome: z.enum(["unloaded", "after use", "not loaded"]),
  because: z.string(),
});
