import { GatewayError } from "../errors.ts";
import type { WorkerReport } from "../rpc/worker_report.ts";

/** More than any homelab has; bounds what reports can fill. */
const MAX_WORKERS = 4_096;
/** A worker that was silent for so long is forgotten, ms. */
const FORGET_MS = 24 * 3600 * 1000;

/** A worker as the registry knows it, for reports. */
export interface WorkerView {
  /** As it calls itself; with its address where two have the same name. */
  readonly name: string;
  /** Address that its reports come from, if known. */
  readonly from: string | undefined;
  /** Since its last report, ms. */
  readonly ageMs: number;
  /** Whether it has been silent for too long; its backends are down then. */
  readonly isLost: boolean;
  /** Its last report, whole. */
  readonly report: WorkerReport;
}

/** One worker, and what is its. */
export interface KnownWorker {
  /** Unique, see {@linkcode WorkerView.name}. */
  readonly name: string;
  /** Address that its reports come from. */
  readonly from: string | undefined;
  /** Names of the backends that it runs. */
  readonly keys: Set<string>;
  /** Names that it claims, but another worker runs: told once. */
  readonly refusedKeys: Set<string>;
  /** Its last report. */
  report: WorkerReport;
  /** When that came, by the monotonic clock. */
  heardMs: number;
  /** Whether it has been silent for too long. */
  isLost: boolean;
}

/** Which workers there are, and which have fallen silent. */
export class WorkerBook {
  readonly #workers = new Map<string, KnownWorker>();

  /** Empty. */
  constructor(
    /** For how long one may be silent, ms. */
    private readonly timeoutMs: number,
  ) {}

  /**
   * When the next one would have been silent for too long, or long enough to be forgotten, by the monotonic clock;
   * `Infinity` without any.
   */
  get nextDueMs(): number {
    let dueMs = Infinity;
    for (const { heardMs, isLost } of this.#workers.values()) {
      dueMs = Math.min(dueMs, heardMs + (isLost ? FORGET_MS : this.timeoutMs));
    }
    return dueMs;
  }

  /** The one of that name. */
  get(name: string): KnownWorker | undefined {
    return this.#workers.get(name);
  }

  /**
   * Takes a report. Two that call themselves the same, from two addresses at the same time, are told apart.
   *
   * @param nowMs Monotonic.
   * @returns The worker and what it was until now.
   * @throws {GatewayError} `no_capacity` if there are too many.
   */
  heard(
    report: WorkerReport,
    from: string | undefined,
    nowMs: number,
  ): { worker: KnownWorker; was: "new" | "here" | "lost" } {
    const name = this.#nameOf(report.name, from);
    const known = this.#workers.get(name);
    if (!known && this.#workers.size >= MAX_WORKERS) throw tooMany(name);
    const was = !known ? "new" : known.isLost ? "lost" : "here";
    const worker: KnownWorker = known && known.from === from ? known : {
      name,
      from,
      keys: known?.keys ?? new Set(),
      refusedKeys: new Set(),
      report,
      heardMs: 0,
      isLost: false,
    };
    this.#workers.set(name, worker);
    Object.assign(worker, { report, heardMs: nowMs, isLost: false });
    return { worker, was };
  }

  /** Gives everyone who is not lost a whole timeout from now on: this process stood still, and nobody could be heard. */
  forgive(nowMs: number): void {
    for (const worker of this.#workers.values()) if (!worker.isLost) worker.heardMs = nowMs;
  }

  /** Those that have just been silent for too long, each once. */
  takeLost(nowMs: number): KnownWorker[] {
    const lost = [...this.#workers.values()].filter((worker) =>
      !worker.isLost && nowMs - worker.heardMs >= this.timeoutMs
    );
    for (const worker of lost) worker.isLost = true;
    return lost;
  }

  /** Those that have been silent for a day, to be dropped. */
  forgettable(nowMs: number): KnownWorker[] {
    return [...this.#workers.values()].filter(({ heardMs }) => nowMs - heardMs >= FORGET_MS);
  }

  /** Drops the one that calls itself so there; another one of the same name stays. */
  drop(name: string, from: string | undefined): KnownWorker | undefined {
    const known = this.#workers.get(name)?.from === from ? name : `${name} at ${from}`;
    const worker = this.#workers.get(known);
    this.#workers.delete(known);
    return worker;
  }

  /** All, in the order of their first report. */
  views(nowMs: number): WorkerView[] {
    return [...this.#workers.values()].map(({ name, from, heardMs, isLost, report }) => (
      { name, from, ageMs: Math.round(nowMs - heardMs), isLost, report }
    ));
  }

  #nameOf(name: string, from: string | undefined): string {
    const withAddress = `${name} at ${from}`;
    if (this.#workers.has(withAddress)) return withAddress;
    const known = this.#workers.get(name);
    const isAnother = known && !known.isLost && known.from !== from;
    return isAnother ? withAddress : name;
  }
}

function tooMany(name: string): GatewayError {
  return new GatewayError(
    "no_capacity",
    `Cannot take worker "${name}": ${MAX_WORKERS} workers are too many; ` +
      "end those that are not needed, each is forgotten a day after its last report at the latest",
  );
}
