import type { ReportedBackend, ReportedDevice, WorkerReport } from "../rpc/worker_report.ts";

/** For how long after a release a worker's report may still tell what it saw before, ms. */
const SETTLE_MS = 500;

/** That a worker runs an rpc backend, and what it said of it last. */
export class WorkerClaim {
  /** Its llama.cpp build, if it knows. */
  build: string | undefined;
  /** Whether it is about to stop. */
  isDraining = false;
  /** Whether it has not been heard for too long. */
  isSilent = false;
  #said: ReportedBackend | undefined;
  #heldBefore: readonly string[] = [];
  #saidMs = 0;
  #settledMs = -Infinity;
  #ours: readonly string[] = [];
  #devicesAtRest: readonly ReportedDevice[] | undefined;

  /** To be followed by an {@linkcode update}. */
  constructor(
    /** Whose claim it is. */
    readonly workerName: string,
  ) {}

  /** What it said last. */
  get said(): ReportedBackend {
    return this.#said!;
  }

  /** Takes the next report, which came at `nowMs` of the monotonic clock. */
  update(report: WorkerReport, said: ReportedBackend, nowMs: number): void {
    this.#heldBefore = this.#said?.held_by ?? said.held_by;
    this.#said = said;
    this.#ours = this.#ours.filter((client) => said.held_by.includes(client));
    this.build = report.build;
    this.isDraining = report.is_draining;
    this.isSilent = false;
    this.#saidMs = nowMs;
  }

  /** A coordinator of ours takes the backend: what is free now will be so again when it leaves. */
  leased(): void {
    this.#devicesAtRest = this.devices(false);
  }

  /** That coordinator has left: what the worker saw until a moment after `nowMs` (monotonic) does not count any more. */
  released(nowMs: number): void {
    this.#settledMs = nowMs + SETTLE_MS;
    this.#ours = this.said.held_by;
  }

  /**
   * Its devices. While a coordinator of ours has them, and for a moment after, as much is free as was before: so much
   * will be free again when it leaves.
   *
   * @param isLeased Whether a coordinator of ours has them now.
   */
  devices(isLeased: boolean): readonly ReportedDevice[] {
    const atRest = isLeased || this.#saidMs < this.#settledMs ? this.#devicesAtRest : undefined;
    if (!atRest) return this.said.devices;
    return this.said.devices.map((device, index) => ({
      ...device,
      free_bytes: atRest[index]?.free_bytes ?? device.free_bytes,
    }));
  }

  /**
   * Who holds the backend: the clients that two reports in a row name, since a probe is a client for a moment, too.
   * Nobody for a moment after a release: that was our coordinator.
   */
  get holders(): readonly string[] {
    if (this.#saidMs < this.#settledMs) return [];
    return this.said.held_by.filter((client) => this.#heldBefore.includes(client));
  }

  /** Those of {@linkcode WorkerClaim.holders} that have been there since a coordinator of ours had the backend. */
  get leftBehind(): readonly string[] {
    return this.holders.filter((client) => this.#ours.includes(client));
  }
}
