import { GatewayError } from "./errors.ts";
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
  /** Build of the llama.cpp that would run it, such as `b11669`, where known; asked before the backends are. */
  build(): Promise<string | undefined>;
  /** Says where the layers go. */
  readonly planner: Pick<ModelPlanner, "read" | "plan">;
}

/** Answers what would happen if a model were loaded, without loading it. */
export class PlanService {
  /** Over a gateway's parts, or over a command's own. */
  constructor(private readonly parts: PlanParts) {}

  /**
   * Plans a model. Backends that our own coordinators hold count as free, and the reasons say so: those are stopped
   * where it is needed.
   *
   * @throws {GatewayError} `model_not_found`, `model_unusable`; `no_capacity` or `backend_unreachable` if no backend
   *   can be used; `not_found` if one that is asked for is not known; `invalid_request` if explicit layers make no
   *   sense. Not fitting is a result.
   */
  async plan(question: PlanQuestion, signal: AbortSignal): Promise<PlanReport> {
    const { planner } = this.parts;
    const model = await this.parts.resolve(question.model, signal);
    const content = await planner.read(model, signal);
    const build = await this.parts.build();
    const views = question.assumed ? [] : await this.#views(question, signal);
    const surveys: readonly Survey[] = question.assumed
      ? [{ usable: question.assumed, leftOut: [] }]
      : surveysOf(views, { freed: "all" });
    const { shape, plans: [best] } = planner.plan(model, content, surveys, { ...question, build });
    const report = toPlanReport(model.name, content, shape, best);
    return { ...report, reasons: [...report.reasons, ...heldByUs(report, views)] };
  }

  async #views({ model, onlyEndpoints }: PlanQuestion, signal: AbortSignal): Promise<readonly BackendView[]> {
    const views = await this.parts.backends(onlyEndpoints, signal);
    const unknown = onlyEndpoints?.filter((name) => !views.some((view) => isCalled(view, name))) ?? [];
    if (unknown.length > 0) {
      const names = unknown.join(", ");
      throw new GatewayError(
        "not_found",
        `There is no rpc backend ${names}; register it: sollol register HOST:PORT`,
      );
    }
    if (views.length > 0) return views;
    throw new GatewayError(
      "no_capacity",
      `Cannot plan "${model}": no rpc backend is known; register one (sollol register HOST:PORT), or plan with ` +
        "machines that you do not have: --assume HOST:PORT=SIZE",
    );
  }
}

/** Whether that is one of the backend's names. */
export function isCalled({ endpoint, aliases }: BackendView, name: string): boolean {
  return endpoint === name || aliases.includes(name);
}

/** A load would stop the coordinator that has them. */
function heldByUs({ endpoints }: PlanReport, views: readonly BackendView[]): string[] {
  const held = views.filter(({ endpoint, holder }) => holder !== undefined && endpoints.includes(endpoint));
  return [...Map.groupBy(held, ({ holder }) => holder)].map(([holder, same]) => {
    const names = same.map(({ endpoint }) => endpoint).join(", ");
    return `${names} counts as free, though held by our coordinator of ${holder}: that is stopped for another model`;
  });
}
