import type { ModelPlanner, PlanWish } from "./coordinator/model_planner.ts";
import type { PlanBackend } from "./planner/plan_input.ts";
import { type PlanReport, toPlanReport } from "./planner/plan_report.ts";
import { type Survey, surveysOf } from "./planner/survey.ts";
import type { ResolvedModel } from "./ollama/resolved_model.ts";
import type { BackendView } from "./rpc/backend.ts";

/** What is to be planned; nothing is started. */
export interface PlanQuestion extends PlanWish {
  /** The model as clients name it. */
  readonly model: string;
  /** Plans with these instead of what there is. */
  readonly assumed?: readonly PlanBackend[] | undefined;
  /** Plans only with these, `host:port` each. */
  readonly onlyEndpoints?: readonly string[] | undefined;
}

/** What {@linkcode PlanService} asks. */
export interface PlanParts {
  /** Finds a model's files. */
  resolve(name: string, signal: AbortSignal): Promise<ResolvedModel>;
  /** Tells of the rpc backends; may ask them first. */
  backends(endpoints: readonly string[] | undefined, signal: AbortSignal): Promise<readonly BackendView[]>;
  /** Says where the layers go. */
  readonly planner: ModelPlanner;
}

/** Answers what would happen if a model were loaded, without loading it. */
export class PlanService {
  /** Over a gateway's parts, or over a command's own. */
  constructor(private readonly parts: PlanParts) {}

  /**
   * Plans a model. Backends that our own coordinators hold count as free: those are stopped where it is needed.
   *
   * @throws {GatewayError} `model_not_found`, `model_unusable`; `no_capacity` or `backend_unreachable` if no backend
   *   can be used; `invalid_request` if explicit layers make no sense. Not fitting is a result.
   */
  async plan(question: PlanQuestion, signal: AbortSignal): Promise<PlanReport> {
    const { planner } = this.parts;
    const model = await this.parts.resolve(question.model, signal);
    const content = await planner.read(model, signal);
    const { shape, plans: [best] } = planner.plan(
      model,
      content,
      await this.#surveys(question, signal),
      question,
    );
    return toPlanReport(model.name, content, shape, best);
  }

  async #surveys(
    { assumed, onlyEndpoints }: PlanQuestion,
    signal: AbortSignal,
  ): Promise<readonly Survey[]> {
    if (assumed) return [{ usable: assumed, leftOut: [] }];
    const views = await this.parts.backends(onlyEndpoints, signal);
    return surveysOf(views, { countOurs: true });
  }
}
