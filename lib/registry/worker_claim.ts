import type { SaidDevice } from "./backend_devices.ts";
import type { WorkerReport } from "../rpc/worker_report.ts";

/** How long after a release a worker may still report what it saw before, ms. */
const SETTLE_MS = 500;

/** What a worker says of one of its rpc backends. */
export type SaidBackend = WorkerReport["backends"][number];

/** That a worker runs an rpc backend, and what it said of it last. */
export class WorkerClaim {
  #said: SaidBackend | undefined;
  #heldBefore: readonly string[] = [];
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
    this.#heldBefore = this.#said?.held_by ?? said.held_by;
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

  /** Its devices. While a coordinator of ours has them, and for a moment after, as much is free as it was before. */
  devices(isLeased: boolean): readonly SaidDevice[] {
    const atRest = isLeased || this.#saidMs < this.#settledMs ? this.#devicesAtRest : undefined;
    if (!atRest) return this.said.devices;
    return this.said.devices.map((device, index) => ({
      ...device,
      free_bytes: atRest[index]?.free_bytes ?? device.free_bytes,
    }));
  }

  /**
   * Who holds the backend: who was there in two reports in a row, since a probe is there for a moment, too. Nobody for
   * a moment after a release: that was our coordinator.
   */
  get holders(): readonly string[] {
    if (this.#saidMs < this.#settledMs) return [];
    return this.said.held_by.filter((client) => this.#heldBefore.includes(client));
  }
}
