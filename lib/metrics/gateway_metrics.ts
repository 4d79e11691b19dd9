import type { NodeState } from "../nodes/node.ts";
import type { PoolEvent, PoolView } from "../pool/pooled.ts";
import type { BackendView } from "../rpc/backend.ts";
import { Counter, Gauge, Histogram, ObservedGauge, type Series } from "./series.ts";

/** How a request ended, for counting and for the log. */
export type Outcome = "ok" | "refused" | "failed" | "client_closed";

/** What is measured of one finished request. */
export interface RequestMeasure {
  /** How it ended. */
  outcome: Outcome;
  /** HTTP status; of a stream that broke, the one that it would have had. */
  status: number;
  /** `node`, `coordinator`, `external`, or `none` where no upstream was reached. */
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

/** What the measures are read from when somebody asks for them. */
export interface Observed {
  /** The rpc backends. */
  readonly backends?: () => readonly BackendView[];
  /** The coordinators. */
  readonly coordinators?: () => readonly PoolView[];
  /** The Ollama nodes. */
  readonly nodes?: () => readonly NodeState[];
}

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

  readonly #evictions = new Counter(
    "sollol_evictions_total",
    "Coordinators that were stopped to make room for another model.",
    ["model"],
  );
  readonly #recoveries = new Counter(
    "sollol_recoveries_total",
    "Coordinators that served again after they had died.",
    ["model"],
  );
  readonly #observed: Series[];

  /** What is told only when it is asked for. */
  constructor({ backends = () => [], coordinators = () => [], nodes = () => [] }: Observed = {}) {
    this.#observed = [
      ...observeBackends(backends),
      ...observeCoordinators(coordinators),
      ...observeNodes(nodes),
    ];
  }

  /** Has what somebody else counts shown as well. */
  show(series: Series): void {
    this.#observed.push(series);
  }

  /** Something has happened in the pool. */
  happened(event: PoolEvent): void {
    if (event.type === "evicted") this.#evictions.increment(event.model);
    if (event.type === "recovered") this.#recoveries.increment(event.model);
  }

  /** Requests that have begun and not ended. */
  get inFlightCount(): number {
    return this.#inFlight.value;
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
      ...[this.#evictions, this.#recoveries],
      ...this.#observed,
    ].map((series) => series.render()).join("");
  }
}

function observeBackends(views: () => readonly BackendView[]): ObservedGauge[] {
  return [
    new ObservedGauge(
      "sollol_rpc_backend_usable",
      "1 for an rpc backend that can be used or is used by a coordinator of ours, else 0.",
      ["endpoint"], // not its health: each change of a label would begin a new series
      () => views().map((view) => [[view.endpoint], isUsable(view) ? 1 : 0] as const),
    ),
    new ObservedGauge(
      "sollol_rpc_backend_free_bytes",
      "Memory of an rpc backend's device that plans may use, as it was last told.",
      ["endpoint", "device"],
      () =>
        views().flatMap(({ endpoint, devices }) =>
          devices.map(({ index, freeBytes }) => [[endpoint, String(index)], freeBytes] as const)
        ),
    ),
  ];
}

function observeCoordinators(views: () => readonly PoolView[]): ObservedGauge[] {
  const each = (name: string, help: string, valueOf: (view: PoolView) => number) =>
    new ObservedGauge(
      name,
      help,
      ["model"],
      () => views().map((view) => [[view.model], valueOf(view)] as const),
    );
  return [
    each("sollol_coordinator_ready", "1 for a model whose coordinator serves, else 0.", ({ state }) => {
      return state === "ready" ? 1 : 0;
    }),
    each("sollol_coordinator_slots", "Slots of a model's coordinator.", ({ slotCount = 0 }) => slotCount),
    each("sollol_coordinator_slots_in_use", "Slots of a model's coordinator that answer.", (view) => {
      return view.inFlightCount;
    }),
    each("sollol_coordinator_waiting", "Requests that wait for a slot of a model's coordinator.", (view) => {
      return view.waitingCount;
    }),
    each("sollol_coordinator_restarts", "How often a model's coordinator was started again.", (view) => {
      return view.restartCount;
    }),
  ];
}

function observeNodes(views: () => readonly NodeState[]): ObservedGauge[] {
  const each = (name: string, help: string, valueOf: (view: NodeState) => number | undefined) =>
    new ObservedGauge(
      name,
      help,
      ["node"],
      () =>
        views().flatMap((view) => {
          const value = valueOf(view);
          return value === undefined ? [] : [[[view.name], value] as const];
        }),
    );
  return [
    each("sollol_node_usable", "1 for an Ollama node that is up and trusted, else 0.", (view) => {
      return view.health === "up" && view.breaker === "closed" ? 1 : 0;
    }),
    each("sollol_node_slots", "Most requests that an Ollama node gets at a time.", (view) => view.slotCount),
    each("sollol_node_slots_in_use", "Requests that an Ollama node has.", (view) => view.inFlightCount),
    each(
      "sollol_node_first_token_seconds",
      "Moving average of the time to an Ollama node's first token.",
      (view) => {
        return view.firstTokenMs === undefined ? undefined : view.firstTokenMs / 1_000;
      },
    ),
    each(
      "sollol_node_served",
      "Requests that an Ollama node answered whole since the start.",
      (view) => view.servedCount,
    ),
    each(
      "sollol_node_failed",
      "Requests that an Ollama node failed since the start.",
      (view) => view.failedCount,
    ),
  ];
}

function isUsable({ health, holder }: BackendView): boolean {
  return health === "up" || (health === "held" && holder !== undefined);
}
