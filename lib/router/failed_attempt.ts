import { GatewayError, messageOf } from "../errors.ts";
import type { Failure } from "./failure.ts";
import { NodeRefusal, type NodeRefusalKind } from "./node_answer.ts";
import type { Route } from "./route.ts";
import type { TriedUpstreams } from "./tried_upstreams.ts";

/** A failed attempt, and where it was made. */
export interface FailedAttempt extends Failure {
  /** As it was thrown. */
  readonly thrown: unknown;
  /** Where. */
  readonly route: Route;
}

/**
 * Whether what failed says more than that nobody is left to ask. Whoever lacked the model, or room or time for it, does not,
 * unless it had no time again and again; and who could not be reached does not if waking it has failed since.
 */
export function isTelling({ thrown, route }: FailedAttempt, { names }: TriedUpstreams): boolean {
  const isLeftOut = names.has(route.triedAs);
  if (!(thrown instanceof NodeRefusal)) return isLeftOut || route.to !== "node";
  return TELLING.has(thrown.kind) || (thrown.kind === "busy" && isLeftOut);
}

const TELLING: ReadonlySet<NodeRefusalKind> = new Set(["failed", "nonsense", "unable"]);

/** A refusal, and what it has to do with a node that said that it has not got the model, though it lists it, or no room. */
export function withLack(error: unknown, { thrown, error: said }: FailedAttempt): unknown {
  const isLacking = thrown instanceof NodeRefusal && LACKING.has(thrown.kind);
  if (!isLacking || !(error instanceof GatewayError)) return error;
  const isForRoom = thrown.kind === "too large" && error.code === "backend_unreachable"; // it answers, so waiting is no help
  const code = isForRoom ? "insufficient_memory" : error.code;
  return new GatewayError(code, `${messageOf(said)}. ${error.message}`, { cause: error });
}

const LACKING: ReadonlySet<NodeRefusalKind> = new Set(["missing", "too large"]);

/** Of two failures the one that the client is to hear of: the later one, unless only the earlier one answered it. */
export function tellingOf(earlier: FailedAttempt | undefined, later: FailedAttempt): FailedAttempt {
  const isAnswer = ({ thrown }: FailedAttempt) => thrown instanceof NodeRefusal && thrown.isForClient;
  return earlier && isAnswer(earlier) && !isAnswer(later) ? earlier : later;
}
