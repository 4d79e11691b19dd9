import { type ErrorCode, GatewayError } from "../errors.ts";
import type { Decision } from "./decision.ts";

/** What a fallback may help against: there is no room for the model, or nobody who can serve it. */
export const NO_CAPACITY: ReadonlySet<ErrorCode> = new Set([
  "no_capacity",
  "insufficient_memory",
  "backend_unreachable",
  "rate_limited",
  "load_timeout",
]);

/** Whether another model may answer where this one was refused. */
export function isLackOfCapacity(error: unknown): error is GatewayError {
  return error instanceof GatewayError && NO_CAPACITY.has(error.code);
}

/** The same of a decision. */
export function lacksCapacity(decision: Decision): decision is Extract<Decision, { to: "nowhere" }> {
  return decision.to === "nowhere" && NO_CAPACITY.has(decision.code);
}

/** What goes before the reason of an answer that a fallback gives. @param because Why the model itself does not. */
export function fallbackNote(model: string, because: string, fallback: string): string {
  return `"${model}" has no capacity (${because}), so "${fallback}" answers. `;
}

/** Why a request is refused whose model has fallbacks. @param troubles Of each, at least one. */
export function noFallbackHelps(because: string, troubles: readonly string[]): string {
  return `${because}. No fallback helps: ${troubles.join(". ")}`;
}
