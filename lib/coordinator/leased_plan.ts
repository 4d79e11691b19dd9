import type { Placement } from "../planner/placement.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { ModelPlans } from "./model_planner.ts";

/** A plan, and the right to the rpc backends that it uses. */
export interface LeasedPlan {
  /** Where the layers go. */
  readonly placement: Placement;
  /** What the model is run with. */
  readonly shape: ModelPlans["shape"];
  /** To be disposed when the coordinator's process is gone, or was never started. */
  readonly lease: BackendLease;
  /** Why the layers go there, and what was left out. */
  readonly because: string;
  /** What the estimate of the compute buffers was multiplied with. */
  readonly computeCorrection: number;
}
