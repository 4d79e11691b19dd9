import type { Shortage } from "../planner/shortage.ts";

/**
 * The context to settle for where the wanted one does not fit.
 *
 * @param minContextSize Fewest tokens of a slot that will do; not given: none but the wanted.
 * @returns Tokens of one slot; `undefined` if as many as will do do not fit.
 */
export function smallerContext(
  { fittingContextSize = 0 }: Pick<Shortage, "fittingContextSize">,
  minContextSize: number | undefined,
): number | undefined {
  return fittingContextSize >= (minContextSize ?? Infinity) ? fittingContextSize : undefined;
}

/** Says that a smaller context was settled for, to follow a sentence; empty if none was. */
export function smallerContextNote(contextSize: number | undefined): string {
  return contextSize === undefined
    ? ""
    : `. A larger context does not fit now, so each slot has ${contextSize} tokens`;
}
