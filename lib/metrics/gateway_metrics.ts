import type { BackendView } from "../rpc/backend.ts";
import { Counter, Gauge, Histogram, ObservedGauge } from "./series.ts";

/** How a request ended, for counting and for the log. */
export type Outcome = "ok" | "refused" | "failed" | "client_closed";

/** What is measured of one finished request. */
export interface RequestMeasure {
  /** How it ended. */
  outcome: Outcome;
  /** HTTP status; of a stream that broke, the one that it would have had. */
  status: number;
  /** `coordinator`, `external`, or `none` where no upstream was reached. */
  to: string;
  /** From its arrival to the end of its answer, ms. */
  durationMs: number;
  /** From its arrival to the first byte of its answer, ms; undefined if there was none. */
  firstByteMs: number | undefined;
  /** What it waited for its model to load, ms; 0 if the model was ready. */
  loadMs: number;
}

/** Seconds; from a warm short answer to a cold start of a large model. */
const BOUNDS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** The series that `GET /metrics` shows, in Prometheus' text format. */
export class GatewayMetrics {
  /** The media type of {@linkcode render}'s text. */
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #requests = new Counter(
    "sollol_requests_total",
    "Inference requests that ended, by upstream kind, outcome and HTTP status.",
    ["to", "outcome", "status"],
  );
  readonly #inFlight = new Gauge(
    "sollol_requests_in_flight",
    "Inference requests that are queued, loading or being answered.",
  );
  readonly #duration = new Histogram(
    "sollol_request_duration_seconds",
    "Time from the request's arrival to the end of its answer.",
    BOUNDS_SECONDS,
  );
  readonly #firstByte = new Histogram(
    "sollol_first_byte_seconds",
    "Time from the request's arrival to the first byte of its answer, loading included.",
    BOUNDS_SECONDS,
  );
  readonly #load = new Histogram(
    "sollol_load_wait_seconds",
    "Time that requests waited for their model to load; ready models are not counted.",
    BOUNDS_SECONDS,
  );

  readonly #backendUp: ObservedGauge;
  readonly #backendFree: ObservedGauge;

  /** `views` tells of the rpc backends when they are asked for. */
  constructor(views: () => readonly BackendView[] = () => []) {
    this.#backendUp = new ObservedGauge(
      "sollol_rpc_backend_usable",
      "1 for an rpc backend that can be used or is used by a coordinator of ours, else 0.",
      ["endpoint"], // not its health: each change of a label would begin a new series
      () => views().map((view) => [[view.endpoint], isUsable(view) ? 1 : 0] as const),
    );
    this.#backendFree = new ObservedGauge(
      "sollol_rpc_backend_free_bytes",
      "Memory of an rpc backend's device that plans may use, as it was last told.",
      ["endpoint", "device"],
      () =>
        views().flatMap(({ endpoint, devices }) =>
          devices.map(({ index, freeBytes }) => [[endpoint, String(index)], freeBytes] as const)
        ),
    );
  }

  /** A request has arrived. */
  began(): void {
    this.#inFlight.add(1);
  }

  /** A request that had begun has ended, however it did. */
  ended({ to, outcome, status, durationMs, firstByteMs, loadMs }: RequestMeasure): void {
    this.#inFlight.add(-1);
    this.#requests.increment(to, outcome, status);
    this.#duration.observe(durationMs / 1_000);
    if (firstByteMs !== undefined) this.#firstByte.observe(firstByteMs / 1_000);
    if (loadMs > 0) this.#load.observe(loadMs / 1_000);
  }

  /** All series as Prometheus reads them. */
  render(): string {
    return [
      ...[this.#requests, this.#inFlight, this.#duration, this.#firstByte, this.#load],
      ...[this.#backendUp, this.#backendFree],
    ].map((series) => series.render()).join("");
  }
}

function isUsable({ health, holder }: BackendView): boolean {
  return health === "up" || (health === "held" && holder !== undefined);
}
