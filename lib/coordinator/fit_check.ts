import { GatewayError } from "../errors.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { InsufficientMemoryError } from "../planner/shortage.ts";
import { leftOutNote, surveysOf } from "../planner/survey.ts";
import type { BackendView } from "../rpc/backend.ts";
import type { ModelPlanner } from "./model_planner.ts";

/** What {@linkcode refuseMisfit} asks. */
export interface FitCheckParts {
  /** Says where the layers would go. */
  readonly planner: Pick<ModelPlanner, "read" | "plan">;
  /** The rpc backends, from memory. */
  views(): readonly BackendView[];
  /** Build of our llama.cpp, where known: a start corrects its estimates by it, too. */
  build(): Promise<string | undefined>;
  /** Has those asked that nobody asked lately, and waits for the answers. */
  refresh(signal: AbortSignal): Promise<void>;
}

/**
 * Refuses a model that fits nowhere, even if the coordinators that run were stopped for it: a request for it must not
 * cost the loaded one its place. Goes by what is known; only before it refuses, it has the backends asked.
 *
 * @throws {InsufficientMemoryError} With what is missing and what would fit.
 * @throws {GatewayError} `model_unusable`, `no_capacity`. The signal's reason.
 */
export async function refuseMisfit(
  model: ResolvedModel,
  { planner, views, build, refresh }: FitCheckParts,
  signal: AbortSignal,
): Promise<void> {
  const content = await planner.read(model, signal);
  const wish = { build: await build() };
  const findMisfit = (): InsufficientMemoryError | undefined => {
    const surveys = surveysOf(views(), { countOurs: true });
    if (surveys.every(({ usable }) => usable.length === 0)) return undefined; // its start will say why
    const { plans: [{ survey, result }] } = planner.plan(model, content, surveys, wish);
    return result.fits
      ? undefined
      : new InsufficientMemoryError(result.shortage, result.message + leftOutNote(survey));
  };
  try {
    if (!findMisfit()) return;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error; // a backend that is named is down, as far as is known
  }
  await refresh(signal);
  const misfit = findMisfit();
  if (misfit) throw misfit;
}
