import { CoordinatorDeath } from "../coordinator/coordinator_failure.ts";
import type { ExternalLease } from "../coordinator/external_coordinators.ts";
import type { ServingCoordinator } from "../coordinator/serving.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import { HttpError } from "../http/error.ts";
import type { HeaderList } from "../http/headers.ts";
import type { CoordinatorLease, Pooled } from "../pool/pooled.ts";
import { shuttingDown } from "../pool/refusals.ts";

/** How long a broken connection waits for the process behind it to exit, ms. */
const EXIT_NOTICE_MS = 300;
/** How long an exit waits for its explanation: backends are probed to name the one at fault, ms. */
const EXPLANATION_MS = 3_000;

/** The chosen upstream of one attempt, and the right to use it until disposal. */
export interface Route extends Disposable {
  /** What kind of upstream it is, for the metrics. */
  readonly to: "coordinator" | "external";
  /** The upstream's name in headers and logs. */
  readonly upstream: string;
  /** Where it is asked. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target, such as `/llama`; often empty. */
  readonly basePath: string;
  /** Headers that every request to it carries: its own credentials. */
  readonly headers: HeaderList;
  /** The process behind the upstream, where it is ours. */
  readonly process: Pick<Pooled, "dead" | "gone"> | undefined;
  /** Why the request goes there, one sentence. */
  readonly because: string;
  /** Waited for others' work, ms. */
  readonly queueMs: number;
  /** Waited for the model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
  /** Aborts when the request is not to be waited for any longer, for the upstream hangs; the reason, a `GatewayError`, says so. */
  readonly lost?: AbortSignal;
  /** Takes note of the status of an answer, so that the next decision knows. */
  readonly reportAnswer?: (status: number) => void;
  /** Takes note of bytes of an answer: the upstream is at work. */
  readonly reportBytes?: () => void;
  /** Takes note of an answer that was whole. */
  readonly reportServed?: () => void;
  /** Takes note of a failed attempt, so that the next decision knows. */
  readonly reportFailure?: (thrown: unknown) => void;
}

/** The route to a coordinator of ours, for as long as its lease is held. */
export function coordinatorRoute(lease: CoordinatorLease<ServingCoordinator>): Route {
  const { coordinator, queueMs, loadMs } = lease;
  const { upstream, address, headers, because } = coordinator;
  return {
    to: "coordinator",
    upstream,
    address,
    basePath: "",
    headers,
    process: coordinator,
    because,
    queueMs,
    loadMs,
    reportServed: () => lease.reportServed(),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** The route to a coordinator that somebody else runs, for as long as its lease is held. */
export function externalRoute(lease: ExternalLease, because: string): Route {
  const { url, address, basePath, headers } = lease.external;
  return {
    to: "external",
    upstream: url,
    address,
    basePath,
    headers,
    process: undefined,
    because: lease.because === undefined ? because : `${because}; ${lease.because}`,
    queueMs: 0,
    loadMs: 0,
    lost: lease.lost,
    reportAnswer: (status) => lease.reportAnswer(status),
    reportBytes: () => lease.reportBytes(),
    reportFailure: (thrown) => lease.reportFailure(thrown),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** What is the same in every question to the upstream of a route; `target` is a path of its dialect. */
export function postTo(
  { basePath, headers }: Route,
  target: string,
  body: Uint8Array<ArrayBuffer>,
): { method: string; target: string; headers: HeaderList; body: Uint8Array<ArrayBuffer> } {
  return {
    method: "POST",
    target: basePath + target,
    headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...headers],
    body,
  };
}

/** A failed attempt: what to tell the client, and whether another attempt may save the request. */
export interface Failure {
  /** A `GatewayError` wherever the failure is understood. */
  readonly error: unknown;
  /** The upstream is certain not to answer this request any more, so asking again cannot run it twice. */
  readonly isRetryable: boolean;
  /** Whether the upstream may have begun to work on it. */
  readonly wasSent: boolean;
}

/**
 * Says what went wrong on a route. A connection that breaks is only a symptom: if the process behind it died,
 * its death is the reason that a person wants to read.
 */
export async function explainFailure(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
  const wasSent = !(thrown instanceof HttpError) || thrown.sent;
  if (signal.aborted) return { error: signal.reason, isRetryable: false, wasSent };
  const isBroken = thrown instanceof HttpError ||
    (thrown instanceof GatewayError && thrown.code === "upstream_failed");
  if (!isBroken) return { error: thrown, isRetryable: false, wasSent };
  if (route.process && await abortsWithin(route.process.dead, EXIT_NOTICE_MS)) {
    await abortsWithin(route.process.gone, EXPLANATION_MS);
    return { error: deathOf(route, route.process.gone.reason), isRetryable: true, wasSent };
  }
  if (thrown instanceof GatewayError) return { error: thrown, isRetryable: false, wasSent };
  if (!thrown.sent) return { error: unreachable(route, thrown), isRetryable: true, wasSent };
  // A coordinator of ours gives a request up with its connection. What others run may still be at work on it.
  const isGivenUp = route.to === "coordinator" && !thrown.answered &&
    (thrown.kind === "closed" || thrown.kind === "reset");
  const code = thrown.kind === "timeout" ? "upstream_timeout" : "upstream_failed";
  const cure = thrown.kind === "too_large" ? "ask for a shorter one, or for a stream" : "ask again";
  const message = `${route.upstream} broke off: ${thrown.message}; ${cure}`;
  return { error: new GatewayError(code, message, { cause: thrown }), isRetryable: isGivenUp, wasSent };
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
