import type { Delivery } from "./bus.ts";
import type { VerifiedPlacement } from "./coordinator/placement_check.ts";
import type { NodeEvent } from "./nodes/node.ts";
import type { PoolEvent, PoolView } from "./pool/pooled.ts";
import type { BackendHealth } from "./rpc/backend.ts";

/** A coordinator of ours, for operators. */
export interface CoordinatorReport extends PoolView {
  /** Process id of its llama-server, while there is one. */
  readonly pid: number | undefined;
  /** Tokens of one slot, once it is ready. */
  readonly contextSize: number | undefined;
  /** Where its layers are, planned and real, once it is ready. */
  readonly placement: VerifiedPlacement | undefined;
  /** Tokens that all its slots together generate in a second, by its own counters; `undefined` if it is not ready, 0 if it is idle. */
  readonly tokensPerSecond: number | undefined;
  /** The last lines of its log, oldest first; nothing that users write. */
  readonly lastLines: readonly string[];
}

/** What happens in the gateway, as `GET /api/admin/events` tells it. */
export type GatewayEvent =
  & {
    /** When, ISO 8601. */
    readonly at: string;
  }
  & (
    | PoolEvent
    | {
      readonly type: "backend";
      readonly endpoint: string;
      readonly health: BackendHealth;
      readonly reason: string;
    }
    | ({
      /** An Ollama node has changed. */
      readonly type: "node";
    } & NodeEvent)
    | {
      /** The configuration was read again. */
      readonly type: "config";
      /** Keys whose change counts from now on. */
      readonly applied: readonly string[];
      /** Keys whose change counts after a restart. */
      readonly needRestart: readonly string[];
      /** Why it was not taken, if it was not. */
      readonly error?: string | undefined;
    }
  );

/** What became of a wish to stop a coordinator. */
export interface UnloadOutcome {
  /** `not loaded`: there was nothing to stop. `after use`: requests in flight are waited for. */
  readonly outcome: "unloaded" | "after use" | "not loaded";
  /** One sentence for a person. */
  readonly because: string;
}

/** What operators do with coordinators; models by name, as requests name them, coordinators by id or by model. */
export interface CoordinatorAdmin {
  /** All coordinators that are or were, those that run first. */
  listCoordinators(): readonly CoordinatorReport[];
  /** One of them. @throws {GatewayError} `not_found`. */
  getCoordinator(idOrModel: string): CoordinatorReport;
  /**
   * Loads a model and waits until it is ready.
   *
   * @throws {GatewayError} As a request for it would. The signal's reason; the load goes on.
   */
  loadModel(
    model: string,
    options: { readonly keepAliveMs?: number | undefined; readonly signal: AbortSignal },
  ): Promise<CoordinatorReport>;
  /** Unloads a model as soon as nothing of it is in flight; what waits for it is served by a new load. A model that nobody knows is `not loaded`. @throws {GatewayError} `invalid_request` if it is no name. */
  unloadModel(model: string): UnloadOutcome;
  /** Stops a coordinator as soon as it is idle and starts it again, also one that has failed. @throws {GatewayError} `not_found`, and as a load does. */
  restartCoordinator(
    idOrModel: string,
    options: { readonly signal: AbortSignal },
  ): Promise<CoordinatorReport>;
  /** Lines of its log from the last `tail` ones on, for as long as the signal lasts if `follow`. @throws {GatewayError} `not_found`. */
  readLog(
    idOrModel: string,
    options: { readonly tail: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<string>;
  /** What happens from now on. */
  events(options: { readonly signal: AbortSignal }): AsyncIterable<Delivery<GatewayEvent>>;
}
