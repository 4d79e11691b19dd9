import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** How a request ended, for counting and for the log. */
export type Outcome = "ok" | "refused" | "failed" | "client_closed";

/** What is measured of one finished request; durations in ms. */
export interface RequestMeasure {
  outcome: Outcome;
  status: number;
  /** `coordinator`, `external`, or `none` where no upstream was reached. */
  to: string;
  durationMs: number;
  firstByteMs: number | undefined;
  loadMs: number;
}

/** Seconds; from a warm short answer to a cold start of a large model. */
const BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** The series that `GET /metrics` shows, in Prometheus' text format. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: "sollol_requests_total",
    help: "Inference requests that ended, by upstream kind, outcome and HTTP status.",
    labelNames: ["to", "outcome", "status"],
    registers: [this.#registry],
  });
  readonly #requestSeries = new Map<string, Counter.Internal>();
  readonly #duration = new Histogram({
    name: "sollol_request_duration_seconds",
    help: "Time from the request's arrival to the end of its answer.",
    buckets: BUCKETS_SECONDS,
    registers: [this.#registry],
  });
  readonly #firstByte = new Histogram({
    name: "sollol_first_byte_seconds",
    help: "Time from the request's arrival to the first byte of its answer, loading included.",
    buckets: BUCKETS_SECONDS,
    registers: [this.#registry],
  });
  readonly #load = new Histogram({
    name: "sollol_load_wait_seconds",
    help: "Time that requests waited for their model to load; ready models are not counted.",
    buckets: BUCKETS_SECONDS,
    registers: [this.#registry],
  });
  readonly #inFlight = new Gauge({
    name: "sollol_requests_in_flight",
    help: "Inference requests that are queued, loading or being answered.",
    registers: [this.#registry],
  });

  /** A request has arrived. */
  began(): void {
    this.#inFlight.inc();
  }

  /** A request that had begun has ended, however it did. */
  ended(measure: RequestMeasure): void {
    this.#inFlight.dec();
    this.#requestsOf(measure).inc();
    this.#duration.observe(measure.durationMs / 1_000);
    if (measure.firstByteMs !== undefined) this.#firstByte.observe(measure.firstByteMs / 1_000);
    if (measure.loadMs > 0) this.#load.observe(measure.loadMs / 1_000);
  }

  /** Looking a series up by its labels costs more than counting in it. */
  #requestsOf({ to, outcome, status }: RequestMeasure): Counter.Internal {
    const key = `${to} ${outcome} ${status}`;
    const known = this.#requestSeries.get(key);
    if (known) return known;
    const series = this.#requests.labels(to, outcome, String(status));
    this.#requestSeries.set(key, series);
    return series;
  }

  /** All series as Prometheus reads them. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The media type of {@linkcode render}'s text. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}
