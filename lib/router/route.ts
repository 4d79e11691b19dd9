import { GatewayError, messageOf } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import { HttpError } from "../http/error.ts";
import type { HeaderList } from "../http/headers.ts";

/** How long a broken connection waits to learn whether the process behind it has died, ms. */
const DEATH_NOTICE_MS = 300;

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
  /** Aborts when the process behind the upstream has died, where that can be known; the reason says why. */
  readonly gone: AbortSignal | undefined;
  /** Why the request goes there, one sentence. */
  readonly because: string;
  /** Waited for others' work, ms. */
  readonly queueMs: number;
  /** Waited for the model to load, ms; 0 if it was ready. */
  readonly loadMs: number;
  /** Takes note of a failed attempt, so that the next decision knows. */
  readonly reportFailure?: (thrown: unknown) => void;
}

/** A failed attempt: what to tell the client, and whether another attempt may save the request. */
export interface Failure {
  /** A `GatewayError` wherever the failure is understood. */
  readonly error: unknown;
  /** The upstream is certain not to answer this request any more, so asking again cannot run it twice. */
  readonly isRetryable: boolean;
}

/**
 * Says what went wrong on a route. A connection that breaks is only a symptom: if the process behind it died,
 * its death is the reason that a person wants to read.
 */
export async function explainFailure(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
  if (signal.aborted) return { error: signal.reason, isRetryable: false };
  if (thrown instanceof GatewayError && thrown.code !== "upstream_failed") {
    return { error: thrown, isRetryable: false };
  }
  if (!(thrown instanceof HttpError) && !(thrown instanceof GatewayError)) {
    return { error: thrown, isRetryable: false };
  }
  if (route.gone && await abortsWithin(route.gone, DEATH_NOTICE_MS)) {
    return { error: deathOf(route, route.gone.reason), isRetryable: true };
  }
  if (thrown instanceof GatewayError) return { error: thrown, isRetryable: false };
  if (!thrown.sent) return { error: unreachable(route, thrown), isRetryable: true };
  // Written on a kept-alive connection that the upstream closed at that moment: it cannot answer any more.
  const isUnanswered = !thrown.answered && (thrown.kind === "closed" || thrown.kind === "reset");
  const code = thrown.kind === "timeout" ? "upstream_timeout" : "upstream_failed";
  const message = `${route.upstream} broke off: ${thrown.message}; ask again`;
  return { error: new GatewayError(code, message, { cause: thrown }), isRetryable: isUnanswered };
}

function deathOf(route: Route, reason: unknown): GatewayError {
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
