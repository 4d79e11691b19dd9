import type { Placement } from "../planner/placement.ts";
import type { LocalLease } from "./local_host.ts";
import type { ModelPlans } from "./model_planner.ts";

/** A plan to run a model whole on this host, and the right to. */
export interface LocalPlan {
  /** All its layers, here. */
  readonly placement: Placement;
  /** What the model is run with. */
  readonly shape: ModelPlans["shape"];
  /** To be disposed when the coordinator's process is gone, or was never started. */
  readonly lease: LocalLease;
  /** What it takes of this host's memory, one sentence. */
  readonly because: string;
}
