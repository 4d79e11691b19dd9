import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { Mode } from "../router/decision.ts";
import { orUndefined } from "./or_undefined.ts";

/** How a gateway is as a whole. */
export interface GatewayState {
  /** Of sollol. */
  readonly version: string;
  /** What it does with requests; `undefined` if it does not tell. */
  readonly mode: Mode | undefined;
  /** Requests that have not ended; `undefined` if it does not tell. */
  readonly inFlightCount: number | undefined;
  /** Of these, those that wait for a slot or a model; `undefined` if it does not tell. */
  readonly waitingCount: number | undefined;
  /** Why it should be restarted, without its name; `undefined` if it should not. */
  readonly restartNeeded: string | undefined;
}

const count = z.number().nullish().transform(orUndefined);

/** How the gateway tells of itself in its health. Fields of newer versions are left out. */
export const gatewayStateShape: JsonShape<GatewayState> = z.object({
  version: z.string(),
  mode: z.enum(["single", "sharding", "distribution", "hybrid"]).nullish().transform(orUndefined),
  inFlightCount: count,
  waitingCount: count,
  restartNeeded: z.string().nullish().transform(orUndefined),
});
