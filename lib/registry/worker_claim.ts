import type { SaidDevice } from "./backend_devices.ts";
import type { WorkerReport } from "../rpc/worker_report.ts";

/** How long after a release a worker may still report what it saw before, ms. */
const SETTLE_MS = 500;

/** What a worker says of one of its rpc backends. */
export type SaidBackend = WorkerReport["backends"][number];

/** That a worker runs an rpc backend, and what it said of it last. */
export class WorkerClaim {
  #said: SaidBackend | undefined;
  /** Its llama.cpp build, if it knows. */
  build: string | undefined;
  /** Whether it is about to stop. */
  isDraining = false;
  /** Whether it has not been heard for too long. */
  isSilent = false;
  #saidMs = 0;
  #settledMs = -Infinity;
  #devicesAtRest: readonly SaidDevice[] | undefined;

  /** To be followed by an {@linkcode update}. */
  constructor(
    /** Whose claim it is. */
    readonly workerName: string,
  ) {}

  /** What it said last. */
  get said(): SaidBackend {
    return this.#said!;
  }

  /** Takes the next report. */
  update(report: WorkerReport, said: SaidBackend, nowMs: number): void {
    this.#said = said;
    this.build = report.build;
    this.isDraining = report.is_draining;
    this.isSilent = false;
    this.#saidMs = nowMs;
  }

  /** A coordinator of ours takes the backend: what is free now will be so again when it leaves. */
  leased(): void {
    this.#devicesAtRest = this.devices(false);
  }

  /** That coordinator has left; what the worker saw before does not count any more. */
  released(nowMs: number): void {
    this.#settledMs = nowMs + SETTLE_MS;
  }

  /** Its devices; for a moment after a release, as they were before the lease. */
  devices(isLeased: boolean): readonly SaidDevice[] {
    const isStale = !isLeased && this.#saidMs < this.#settledMs;
    return isStale ? this.#devicesAtRest ?? this.said.devices : this.said.devices;
  }

  /** Who holds the backend; nobody for a moment after a release: that was our coordinator. */
  get holders(): readonly string[] {
    return this.#saidMs < this.#settledMs ? [] : this.said.held_by;
  }
}
