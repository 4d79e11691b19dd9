import { planModel, type PlanRequest, type PlanResult } from "./plan.ts";
import type { Survey } from "./survey.ts";

/** What is to be planned, over each survey in turn. */
export interface SurveyPlanRequest extends Omit<PlanRequest, "backends"> {
  /** How many bytes a second reached a backend in earlier loads; what the operator said goes before it. */
  readonly bytesPerSecondOf?: ((endpoint: string) => number | undefined) | undefined;
}

/** A plan, and the backends that it was made from. */
export interface SurveyPlan {
  /** Which were planned with, and why the others were not. */
  readonly survey: Survey;
  /** Where the model goes, or what is missing. */
  readonly result: PlanResult;
}

/**
 * Plans a model over each survey that has a backend: plans that fit come before those that do not, each kind in the
 * order of the surveys.
 *
 * @throws {GatewayError} As `planModel` does.
 */
export function planSurveys(
  surveys: readonly Survey[],
  { bytesPerSecondOf = () => undefined, ...request }: SurveyPlanRequest,
): SurveyPlan[] {
  const plans = surveys.filter(({ usable }) => usable.length > 0).map((survey) => {
    const backends = survey.usable.map((backend) => ({
      ...backend,
      bytesPerSecond: backend.bytesPerSecond ?? bytesPerSecondOf(backend.endpoint),
    }));
    return { survey, result: planModel({ ...request, backends }) };
  });
  return plans.toSorted((a, b) => Number(b.result.fits) - Number(a.result.fits));
}
