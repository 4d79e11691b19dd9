import type { WorkerView } from "./registry/worker_book.ts";
import type { BackendLimits, BackendView } from "./rpc/backend.ts";
import type { Endpoint } from "./rpc/endpoint.ts";
import type { WorkerReply, WorkerReport } from "./rpc/worker_report.ts";

/** How a request to forget an rpc backend ended. */
export interface BackendRemoval {
  /** `after release`: a coordinator of ours uses it still; nothing new is planned onto it. */
  readonly outcome: "removed" | "after release";
  /** One sentence for a person. */
  readonly reason: string;
}

/** What operators and workers may do to the rpc backends that the gateway knows. */
export interface BackendAdmin {
  /** All of them, from memory: nobody is probed. */
  listBackends(): readonly BackendView[];
  /**
   * Remembers a backend, also over a restart, and waits for its first verdict, 2 s at most. One that is known already
   * gets the given limits; those that are not given stay as they are.
   */
  addBackend(endpoint: Endpoint, limits: Partial<BackendLimits>): Promise<BackendView>;
  /**
   * Forgets a backend that an operator added.
   *
   * @throws {GatewayError} `not_found`; `conflict` if somebody else told of it, such as the config file: the message
   *   says where to take it back.
   */
  removeBackend(endpoint: Endpoint): BackendRemoval;
  /** All workers, also those that have fallen silent of late. */
  listWorkers(): readonly WorkerView[];
  /**
   * Takes a worker's report, which is also its joining.
   *
   * @param from The address that it was sent from, where that is known.
   */
  workerReported(report: WorkerReport, from: string | undefined): WorkerReply;
  /** Takes back what a worker told of; one that is not known is nothing to complain about. */
  workerLeft(name: string, from: string | undefined): void;
}
