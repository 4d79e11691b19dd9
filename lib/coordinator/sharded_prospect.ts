import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { Placement } from "../planner/placement.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import { leftOutNote, surveysOf } from "../planner/survey.ts";
import type { BackendLease } from "../registry/backend_lease.ts";
import type { BackendView } from "../rpc/backend.ts";
import { formatDuration } from "../units.ts";
import type { BackendRegistry } from "../registry/backend_registry.ts";
import type { ModelPlanner, ModelPlans } from "./model_planner.ts";
import type { RefusedMemory } from "./refused_memory.ts";

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

/**
 * Plans a model over what the registry knows now and takes a lease on what the plan uses, in one synchronous step:
 * no other plan can come between.
 *
 * @throws {GatewayError} `insufficient_memory` with what is missing and what was left out; `no_capacity` or
 *   `backend_unreachable` if no backend can be used.
 */
export function leasePlan(
  model: ResolvedModel,
  content: GgufModel,
  { planner, registry, refusedMemory, olderThanMs, build }: {
    planner: ModelPlanner;
    registry: BackendRegistry;
    refusedMemory: RefusedMemory;
    /** Who was asked, and has not answered for so long, does not count as up. */
    olderThanMs: number;
    /** Of our llama.cpp, where known. */
    build: string | undefined;
  },
): LeasedPlan {
  const views = refusedMemory.cap(registry.views()).map((view) => withoutSilent(view, olderThanMs));
  const surveys = surveysOf(views);
  const { shape, plans: [{ survey, result }] } = planner.plan(model, content, surveys, { build });
  const isUsed = ({ endpoint }: BackendView) =>
    survey.usable.some((backend) => backend.endpoint === endpoint);
  const doubts = refusedMemory.describe(views.filter(isUsed)); // who is left out says it there
  if (!result.fits) {
    throw new InsufficientMemoryError(result.shortage, result.message + leftOutNote(survey) + doubts);
  }
  const { placement } = result;
  const lease = registry.lease(placement.endpoints, model.name);
  return {
    placement,
    shape,
    lease,
    because: placement.because + leftOutNote(survey) + doubts,
    computeCorrection: result.model.computeCorrection,
  };
}

/** A verdict is trusted for minutes, but one that does not answer right now would make llama-server wait for ever. */
function withoutSilent(view: BackendView, olderThanMs: number): BackendView {
  const { endpoint, health, ageMs = 0 } = view;
  if (health !== "up" || ageMs <= olderThanMs) return view;
  const reason = `${endpoint} was up ${
    formatDuration(ageMs)
  } ago and has not answered since; look at its machine`;
  return { ...view, health: "unknown", reason };
}
