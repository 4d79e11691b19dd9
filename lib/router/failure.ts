import { CoordinatorDeath } from "../coordinator/coordinator_failure.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { HttpError } from "../http/error.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { NodeRefusal } from "./node_answer.ts";
import type { Route } from "./route.ts";

/** How long a broken connection waits for the process behind it to exit, ms. */
const EXIT_NOTICE_MS = 300;
/** How long an exit waits for its explanation: backends are probed to name the one at fault, ms. */
const EXPLANATION_MS = 3_000;

/** A failed attempt: what to tell the client, and whether another attempt may save the request. */
export interface Failure {
  /** A `GatewayError` wherever the failure is understood. */
  readonly error: unknown;
  /** The upstream is certain not to answer this request any more, so asking again cannot run it twice. */
  readonly isRetryable: boolean;
  /** Whether the upstream may have begun to work on it. */
  readonly wasSent: boolean;
  /** Whether the same upstream must not be asked again. */
  readonly isExcluded: boolean;
}

/**
 * Says what went wrong on a route. A connection that breaks is only a symptom: if the process behind it died,
 * its death is the reason that a person wants to read.
 */
export async function explainFailure(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
  if (signal.aborted) return final(signal.reason, thrown);
  return route.to === "node" ? nodeFailure(thrown, route) : await coordinatorFailure(thrown, route);
}

async function coordinatorFailure(thrown: unknown, route: Route): Promise<Failure> {
  const isBroken = thrown instanceof HttpError ||
    (thrown instanceof GatewayError && thrown.code === "upstream_failed");
  if (!isBroken) return final(thrown, thrown);
  const wasSent = wasSentBefore(thrown);
  const isExcluded = route.to === "external";
  if (route.process && await abortsWithin(route.process.dead, EXIT_NOTICE_MS)) {
    await abortsWithin(route.process.gone, EXPLANATION_MS);
    return { error: deathOf(route, route.process.gone.reason), isRetryable: true, wasSent, isExcluded };
  }
  if (thrown instanceof GatewayError) return final(thrown, thrown);
  if (!thrown.sent) return { error: unreachable(route, thrown), isRetryable: true, wasSent, isExcluded };
  // A coordinator of ours gives a request up with its connection. What others run may still be at work on it.
  const isGivenUp = route.to === "coordinator" && !thrown.answered && isCut(thrown);
  return { error: brokeOffOn(route, thrown), isRetryable: isGivenUp, wasSent, isExcluded };
}

/**
 * A node gives a request up with its connection, and of what it answered so far the client has nothing: another node may
 * be asked. Never the same one again, but where it only has too much to do.
 */
function nodeFailure(thrown: unknown, route: Route): Failure {
  if (thrown instanceof NodeRefusal) {
    const wasSent = thrown.kind === "failed" || thrown.kind === "nonsense";
    return {
      error: refusedBy(route, thrown),
      isRetryable: true,
      wasSent,
      isExcluded: thrown.kind !== "busy",
    };
  }
  if (thrown instanceof HttpError) {
    const error = thrown.sent ? brokeOffOn(route, thrown) : unreachable(route, thrown);
    return { error, isRetryable: true, wasSent: thrown.sent, isExcluded: true };
  }
  const isBroken = thrown instanceof GatewayError && thrown.code === "upstream_failed";
  const isLost = route.lost?.aborted && thrown === route.lost.reason;
  if (!isBroken && !isLost) return final(thrown, thrown);
  return { error: thrown, isRetryable: true, wasSent: true, isExcluded: true };
}

function final(error: unknown, thrown: unknown): Failure {
  return { error, isRetryable: false, wasSent: wasSentBefore(thrown), isExcluded: false };
}

function wasSentBefore(thrown: unknown): boolean {
  return !(thrown instanceof HttpError) || thrown.sent;
}

/** An answer that is held back and has no end that we would wait for. */
function isTooLong({ kind, phase }: HttpError): boolean {
  return kind === "too_large" && phase === "body";
}

function isCut({ kind }: HttpError): boolean {
  return kind === "closed" || kind === "reset";
}

function refusedBy({ upstream }: Route, refusal: NodeRefusal): GatewayError {
  return new GatewayError("upstream_failed", `${upstream} ${refusal.message}`, { cause: refusal });
}

function deathOf(route: Route, reason: unknown): GatewayError {
  if (reason instanceof CoordinatorDeath && reason.isWanted) return shuttingDown(reason);
  const message = `${route.upstream} died while answering: ${messageOf(reason)}; ask again`;
  return new GatewayError("upstream_failed", message, { cause: reason });
}

function unreachable(route: Route, cause: HttpError): GatewayError {
  return new GatewayError("backend_unreachable", `Cannot reach ${route.upstream}: ${cause.message}`, {
    cause,
  });
}

function brokeOffOn(route: Route, thrown: HttpError): GatewayError {
  const code = thrown.kind === "timeout" ? "upstream_timeout" : "upstream_failed";
  const cure = isTooLong(thrown) ? "ask for a shorter one, or for a stream" : "ask again";
  const message = `${route.upstream} broke off: ${thrown.message}; ${cure}`;
  return new GatewayError(code, message, { cause: thrown });
}

function abortsWithin(signal: AbortSignal, ms: number): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", settle);
      resolve(signal.aborted);
    };
    const timer = setTimeout(settle, ms);
    signal.addEventListener("abort", settle, { once: true });
  });
}
