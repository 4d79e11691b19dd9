import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { ExternalView } from "./coordinator/external.ts";
import type { ExternalCoordinators } from "./coordinator/external_coordinators.ts";
import type { VerifiedPlacement } from "./coordinator/placement_check.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { CoordinatorPool } from "./pool/pool.ts";
import type { PoolView } from "./pool/pooled.ts";
import type { Answer } from "./router/answer.ts";
import type { ModelCatalog, ModelEntry } from "./router/catalog.ts";
import { Inference, type InferenceRequest } from "./router/inference.ts";
import { type EarlyAnswer, waitOrAnswer } from "./router/patient_stream.ts";
import { RequestRecord, statusOf } from "./router/request_record.ts";
import type { Upstreams } from "./router/upstreams.ts";
import type { BackendView } from "./rpc/backend.ts";

/** How the gateway is, for `GET /health`. */
export interface GatewayHealth {
  /** Our own; `placement` is `undefined` unless it is ready. */
  readonly coordinators: readonly (PoolView & { readonly placement: VerifiedPlacement | undefined })[];
  /** Each that is known, from memory: nobody is asked for it. */
  readonly rpcBackends: readonly BackendView[];
  /** Those that somebody else runs. */
  readonly externalCoordinators: readonly ExternalView[];
}

/** What the gateway is made of. */
export interface GatewayParts {
  /** The operator's word; read at each request. */
  readonly config: Pick<Config, "model" | "timeouts" | "waiting" | "hasResumedStreams">;
  /** Finds the upstream of each request. */
  readonly upstreams: Upstreams;
  /** Names, keys and files of all models. */
  readonly catalog: ModelCatalog;
  /** Our own coordinators. */
  readonly pool: Pick<CoordinatorPool<ServingCoordinator>, "views" | "running">;
  /** Those that somebody else runs. */
  readonly externals: Pick<ExternalCoordinators, "views">;
  /** The rpc backends that are known, from memory: nobody is asked for it. */
  readonly backends: { listBackends(): readonly BackendView[] };
  /** Asks the upstreams; disposed by whoever made it. */
  readonly http: HttpClient;
  /** For the measures. */
  readonly clock: Clock;
  /** Gets one wide line a request. */
  readonly logger: Logger;
  /** Counts every request, however it ends. */
  readonly metrics: GatewayMetrics;
}

/** The one facade that routes know: it finds the upstream of a request, asks it, and saves what can be saved. */
export class Gateway {
  #isClosing = false;

  /** Takes its parts ready made; they stay the caller's to dispose. */
  constructor(private readonly parts: GatewayParts) {}

  /** All models that can be asked for, one entry each, sorted by name. */
  listModels(): Promise<ModelEntry[]> {
    return this.parts.catalog.list();
  }

  /**
   * One model by name.
   *
   * @throws {GatewayError} `model_not_found` with near names, `invalid_request`.
   */
  async getModel(name: string, signal: AbortSignal): Promise<ModelEntry> {
    const { catalog } = this.parts;
    const key = catalog.keyOf(name);
    const listed = (await catalog.list()).find((entry) => catalog.keyOf(entry.name) === key);
    if (listed) return listed;
    const found = await catalog.resolve(name, signal); // knows the near names
    return { name: found.name, modifiedAtMs: found.modifiedAtMs, keptBy: "store" };
  }

  /** Cached facts only: answers at once, also while a model loads. */
  get health(): GatewayHealth {
    const { pool, backends, externals } = this.parts;
    return {
      coordinators: pool.views().map((view) => ({ ...view, placement: pool.running(view.key)?.placement })),
      rpcBackends: backends.listBackends(),
      externalCoordinators: externals.views(),
    };
  }

  /**
   * Answers a request: decides, waits for the upstream, asks it. An upstream that dies before the client has
   * got a byte is replaced and asked once more.
   *
   * @throws {GatewayError} If no upstream can answer; the signal's reason if the client left.
   */
  async infer(request: InferenceRequest): Promise<Answer | EarlyAnswer> {
    if (!request.stream) return await this.#record(request);
    const { upstreams, config, clock } = this.parts;
    const abandon = new AbortController();
    const signal = AbortSignal.any([request.signal, abandon.signal]);
    return await waitOrAnswer(this.#record({ ...request, signal }), {
      requestId: request.id,
      model: request.model ?? config.model ?? "",
      clock,
      ...config.waiting,
      describeWait: () => upstreams.describeWait(request.model),
      abandon,
    });
  }

  /** The answer, and one line for whatever becomes of it. */
  async #record(request: InferenceRequest): Promise<Answer> {
    const record = new RequestRecord(this.parts, {
      id: request.id,
      model: request.model,
      stream: request.stream,
      bodyBytes: request.body.byteLength,
    });
    try {
      return await new Inference(request, record, { ...this.parts, isClosing: () => this.#isClosing })
        .answer();
    } catch (error) {
      record.ends(statusOf(error, request.signal), error);
      if (request.stream) this.#tellUnforeseen(error, request);
      throw error;
    }
  }

  /** What breaks a stream that has begun reaches no route that would log it. */
  #tellUnforeseen(error: unknown, { id, signal }: InferenceRequest): void {
    if (error instanceof GatewayError || signal.aborted) return;
    const stack = error instanceof Error ? error.stack : undefined;
    this.parts.logger.error("stream failed unexpectedly", { requestId: id, error, stack });
  }

  /** What is in flight from now on breaks because of us, and is told so. */
  close(): void {
    this.#isClosing = true;
  }
}
