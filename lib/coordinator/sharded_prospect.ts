import { GatewayError } from "../errors.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { PlanResult } from "../planner/plan.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import { leftOutNote, type Survey, surveysOf } from "../planner/survey.ts";
import type { Place, Pooled, Prospect } from "../pool/pooled.ts";
import type { BackendRegistry } from "../registry/backend_registry.ts";
import type { BackendView } from "../rpc/backend.ts";
import { formatDuration } from "../units.ts";
import { LeasedPlace } from "./leased_place.ts";
import type { LeasedPlan } from "./leased_plan.ts";
import type { ModelPlanner, ModelPlans } from "./model_planner.ts";
import type { RefusedMemory } from "./refused_memory.ts";
import { smallerContext, smallerContextNote } from "./smaller_context.ts";

/** What {@linkcode ShardedProspect} plans with. */
export interface ProspectParts<C extends Pooled> {
  /** Says where the layers go. */
  readonly planner: Pick<ModelPlanner, "plan">;
  /** Knows the rpc backends, and leases them. */
  readonly registry: Pick<BackendRegistry, "views" | "lease">;
  /** Knows which of them had less memory than they said. */
  readonly refusedMemory: RefusedMemory;
  /** For how long somebody who counts as up may have been silent, ms; read at each plan. */
  readonly freshMs: () => number;
  /** Of our llama.cpp, where known. */
  readonly build: string | undefined;
  /** Fewest tokens of a slot that will do where the wanted context does not fit; not given: none but the wanted. */
  readonly minContextSize: number | undefined;
  /** Starts what was planned; the lease is its own from there on. */
  readonly start: (plan: LeasedPlan, ...how: Parameters<Place<C>["start"]>) => Promise<C>;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Where a model would go, if these backends of ours were free. */
interface Outlook {
  readonly views: readonly BackendView[];
  readonly shape: ModelPlans["shape"];
  readonly survey: Survey;
  readonly result: PlanResult;
}

/** A model that was read, over rpc backends that were asked: ready to be placed. */
export class ShardedProspect<C extends Pooled> implements Prospect<C> {
  /** Once the wanted context was found not to fit. */
  #contextSize: number | undefined;

  /** Plans nothing yet. */
  constructor(
    private readonly model: ResolvedModel,
    private readonly content: GgufModel,
    private readonly parts: ProspectParts<C>,
  ) {}

  /** Whether it would fit by what is known now, once all our coordinators were stopped. */
  get couldFit(): boolean {
    return fitting(() => {
      this.#requireFit();
      return true;
    }) ?? false;
  }

  /** See {@linkcode Prospect.place}. */
  place(): Place<C> | undefined {
    this.#requireFit();
    const outlook = fitting(() => this.#outlook(NOBODY));
    if (!outlook?.result.fits) return undefined;
    const { shape, result: { placement, model: { computeCorrection } } } = outlook;
    const lease = this.parts.registry.lease(placement.endpoints, this.model.name);
    const because = placement.because + smallerContextNote(this.#contextSize) + this.#notes(outlook);
    const plan = { placement, shape, lease, because, computeCorrection };
    const start: Place<C>["start"] = (...how) => this.parts.start(plan, ...how);
    return new LeasedPlace({ endpoints: lease.endpoints, because, lease, start });
  }

  /** See {@linkcode Prospect.fitsWith}. */
  fitsWith(freed: ReadonlySet<string>): boolean {
    return fitting(() => this.#outlook(freed))?.result.fits ?? false;
  }

  /** Throws unless the model fits once all our coordinators are stopped; settles for a smaller context where it may. */
  #requireFit(): void {
    this.#contextSize = undefined;
    const wanted = this.#outlook("all");
    if (wanted.result.fits) return;
    const { shortage } = wanted.result;
    this.#contextSize = smallerContext(shortage, this.parts.minContextSize);
    if (this.#contextSize !== undefined && this.#outlook("all").result.fits) return;
    throw new InsufficientMemoryError(shortage, wanted.result.message + this.#notes(wanted));
  }

  #outlook(freed: "all" | ReadonlySet<string>): Outlook {
    const { planner, registry, refusedMemory, build } = this.parts;
    const freshMs = this.parts.freshMs();
    const views = refusedMemory.cap(registry.views()).map((view) => withoutSilent(view, freshMs));
    const wish = { build, contextSize: this.#contextSize };
    const { shape, plans: [best] } = planner.plan(
      this.model,
      this.content,
      surveysOf(views, { freed }),
      wish,
    );
    return { views, shape, ...best };
  }

  /** Who is left out, and who is believed to have less than it says; the latter say so themselves where they are left out. */
  #notes({ views, survey }: Outlook): string {
    const used = views.filter((view) => survey.usable.some(({ endpoint }) => endpoint === view.endpoint));
    return leftOutNote(survey) + this.parts.refusedMemory.describe(used);
  }
}

/** What cannot even be planned now does not fit now. */
function fitting<T>(plan: () => T): T | undefined {
  try {
    return plan();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** A verdict is trusted for minutes, but one that does not answer right now would make llama-server wait for ever. */
function withoutSilent(view: BackendView, freshMs: number): BackendView {
  const { endpoint, health, ageMs = 0 } = view;
  if (health !== "up" || ageMs <= freshMs) return view;
  const reason = `${endpoint} was up ${
    formatDuration(ageMs)
  } ago and has not answered since; look at its machine`;
  return { ...view, health: "unknown", reason };
}
