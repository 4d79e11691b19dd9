import type { Clock } from "../clock.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { GatewayMetrics, Outcome } from "../metrics/gateway_metrics.ts";
import type { DecisionLog } from "./decision_log.ts";
import type { Task } from "./decision.ts";
import type { Route } from "./route.ts";

/** What becomes of one request: its one wide log line and its measures. Never its prompt or its answer. */
export class RequestRecord {
  readonly #startedMs: number;
  #firstByteMs: number | undefined;
  #route: Route | undefined;
  #attemptCount = 0;
  #isOver = false;

  /** The request has begun: counted, and its time runs. */
  constructor(
    private readonly parts: {
      clock: Clock;
      logger: Logger;
      metrics: GatewayMetrics;
      decisions: DecisionLog;
    },
    private readonly request: {
      id: string;
      /** What its client's key is called, if it shows one. */
      key?: string | undefined;
      task: Task;
      model: string | undefined;
      dialect: string;
      stream: boolean;
      bodyBytes: number;
    },
  ) {
    this.#startedMs = parts.clock.monotonic();
    parts.metrics.began();
  }

  /** Time since it arrived, ms. */
  get elapsedMs(): number {
    return this.parts.clock.monotonic() - this.#startedMs;
  }

  /** How many upstreams were asked so far. */
  get attemptCount(): number {
    return this.#attemptCount;
  }

  /** An upstream is about to be asked. */
  attempts(route: Route): void {
    this.#attemptCount++;
    this.#route = route;
  }

  /** The first byte of the answer is on its way to the client. */
  answers(): void {
    this.#firstByteMs ??= this.elapsedMs;
  }

  /** The request is over. `error` is undefined if the answer was delivered whole. Later calls do nothing. */
  ends(status: number, error?: unknown, dataEventCount?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const route = this.#route;
    const durationMs = this.elapsedMs;
    const outcome = outcomeOf(status, error);
    this.parts.metrics.ended({
      outcome,
      status,
      to: route?.to ?? "none",
      durationMs,
      firstByteMs: this.#firstByteMs,
      loadMs: route?.loadMs ?? 0,
    });
    const message = error === undefined ? undefined : messageOf(error);
    this.parts.decisions.add({
      at: new Date(this.parts.clock.now()).toISOString(),
      requestId: this.request.id,
      task: this.request.task,
      model: this.request.model,
      to: route?.to,
      upstream: route?.upstream,
      because: route?.because,
      attemptCount: this.#attemptCount,
      outcome,
      status,
      queueMs: round(route?.queueMs),
      loadMs: round(route?.loadMs),
      durationMs: round(durationMs)!,
      error: message,
    });
    const level = outcome === "failed" ? "warn" : "info";
    this.parts.logger[level]("request", {
      requestId: this.request.id,
      key: this.request.key,
      task: this.request.task,
      model: this.request.model,
      dialect: this.request.dialect,
      stream: this.request.stream,
      bodyBytes: this.request.bodyBytes,
      outcome,
      status,
      upstream: route?.upstream,
      because: route?.because,
      attemptCount: this.#attemptCount,
      queueMs: round(route?.queueMs),
      loadMs: round(route?.loadMs),
      firstByteMs: round(this.#firstByteMs),
      durationMs: round(durationMs),
      dataEventCount,
      error: message,
    });
  }
}

/** What a request came to. @param error Whatever broke it, if anything did. */
export function outcomeOf(status: number, error: unknown): Outcome {
  if (status === 499) return "client_closed";
  if (error instanceof GatewayError && error.status < 500) return "refused";
  if (error !== undefined || status >= 500) return "failed";
  return status < 400 ? "ok" : "refused";
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}

/** The status of a request that failed; 499 if its client has left. */
export function statusOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return 499;
  return error instanceof GatewayError ? error.status : 500;
}
