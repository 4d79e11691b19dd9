import type { Clock } from "./clock.ts";
import type { CoordinatorSwitch, SwitchView } from "./coordinator/coordinator_switch.ts";
import type { ExternalCoordinator, ExternalHealth } from "./coordinator/external.ts";
import type { VerifiedPlacement } from "./coordinator/placement_check.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient, HttpResponse } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { ResolvedModel } from "./ollama/resolved_model.ts";
import { type Answer, clientHeaders, isEventStream } from "./router/answer.ts";
import { AnswerStream, brokeOff } from "./router/answer_stream.ts";
import type { ModelCatalog, ModelEntry } from "./router/catalog.ts";
import { decide } from "./router/decide.ts";
import { RequestRecord } from "./router/request_record.ts";
import {
  coordinatorRoute,
  explainFailure,
  externalRoute,
  type Failure,
  type Route,
  shuttingDown,
} from "./router/route.ts";
import type { BackendView } from "./rpc/backend.ts";
import { MIB } from "./units.ts";

/** Answers that are no stream are held back until whole, so that one which breaks can be asked for again. */
const MAX_HELD_ANSWER_BYTES = 64 * MIB;
const MAX_ATTEMPTS = 2;

/** One inference request, its envelope already read. */
export interface InferenceRequest {
  /** Found again in the log and in `x-sollol-request-id`. */
  readonly id: string;
  /** The upstream's path, in the dialect that client and upstream share. */
  readonly target: string;
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** Whether the client wants events as they come. */
  readonly stream: boolean;
  /** The body, sent on untouched. */
  readonly body: Uint8Array;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

/** How the gateway is, for `GET /health`. */
export interface GatewayHealth {
  /** `placement` is `undefined` unless one is ready. */
  readonly coordinator: SwitchView & { readonly placement: VerifiedPlacement | undefined };
  /** Each that is known, from memory: nobody is asked for it. */
  readonly rpcBackends: readonly BackendView[];
  /** `undefined` if no `coordinator_url` is configured. */
  readonly coordinatorUrl:
    | ExternalHealth & { readonly url: string; readonly models: readonly string[] }
    | undefined;
}

/** What the gateway is made of. */
export interface GatewayParts {
  /** What of the config it decides by. */
  readonly settings: {
    defaultModel: string | undefined;
    shardingEnabled: boolean;
    connectTimeoutMs: number;
  };
  /** Names, keys and files of all models. */
  readonly catalog: ModelCatalog;
  /** Owns the one coordinator that may run. */
  readonly coordinators: CoordinatorSwitch<ServingCoordinator>;
  /** The rpc backends that are known. */
  readonly backends: {
    /** From memory: nobody is asked for it. */
    views(): readonly BackendView[];
    /** How many there are. */
    readonly size: number;
  };
  /** Plans a model over the rpc backends and starts its coordinator. */
  readonly startCoordinator: (model: ResolvedModel, signal: AbortSignal) => Promise<ServingCoordinator>;
  /** Refuses a model that would fit nowhere, before another is stopped for it. */
  readonly refuseMisfit: (model: ResolvedModel, signal: AbortSignal) => Promise<void>;
  /** `undefined` if no `coordinator_url` is configured. */
  readonly external: ExternalCoordinator | undefined;
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
    const { coordinators, backends, external } = this.parts;
    return {
      coordinator: { ...coordinators.view, placement: coordinators.ready?.placement },
      rpcBackends: backends.views(),
      coordinatorUrl: external && { url: external.url, ...external.health, models: external.modelNames },
    };
  }

  /**
   * Answers a request: decides, waits for the upstream, asks it. An upstream that dies before the client has
   * got a byte is replaced and asked once more.
   *
   * @throws {GatewayError} If no upstream can answer; the signal's reason if the client left.
   */
  async infer(request: InferenceRequest): Promise<Answer> {
    const record = new RequestRecord(this.parts, {
      id: request.id,
      model: request.model,
      stream: request.stream,
      bodyBytes: request.body.byteLength,
    });
    try {
      for (;;) {
        const route = await this.#route(request);
        record.attempts(route);
        try {
          return await this.#ask(route, request, record);
        } catch (thrown) {
          route.reportFailure?.(thrown);
          // The lease is held meanwhile: a swap would make a living coordinator look like a dead one.
          const { error, isRetryable } = await this.#explain(thrown, route, request.signal)
            .finally(() => route[Symbol.dispose]());
          if (!isRetryable || record.attemptCount === MAX_ATTEMPTS) throw error;
          this.parts.logger.warn("request retried", { requestId: request.id, error });
        }
      }
    } catch (error) {
      record.ends(statusOf(error, request.signal), error);
      throw error;
    }
  }

  /** What is in flight from now on breaks because of us, and is told so. */
  close(): void {
    this.#isClosing = true;
  }

  async #explain(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
    const failure = await explainFailure(thrown, route, signal);
    return this.#isClosing && !signal.aborted
      ? { error: shuttingDown(failure.error), isRetryable: false }
      : failure;
  }

  /** Hops 3 and 4: the decision from cached facts, and the lease that it needs. */
  async #route(request: InferenceRequest): Promise<Route> {
    const { catalog, settings, backends, external } = this.parts;
    const name = request.model ?? settings.defaultModel;
    if (name === undefined) {
      throw new GatewayError("invalid_request", `The request names no model; add "model"`, {
        field: "model",
      });
    }
    const key = catalog.keyOf(name);
    const { shardingEnabled } = settings;
    const facts = { shardingEnabled, rpcBackendCount: backends.size, external: external?.facts };
    const decision = decide({ model: name, key }, facts);
    if (decision.to === "external") return externalRoute(external!, decision.because);
    if (decision.to === "nowhere") {
      throw await this.#refusal(name, decision.code, decision.because, request.signal);
    }
    const route = await this.#acquire(name, key, request.signal);
    // Where somebody else's coordinator might have served, the reason why it did not belongs to the answer.
    return external ? { ...route, because: `${route.because}. ${decision.because}` } : route;
  }

  /** A model that does not exist is the client's mistake, whatever else is wrong. */
  async #refusal(
    name: string,
    code: GatewayError["code"],
    because: string,
    signal: AbortSignal,
  ): Promise<GatewayError> {
    await this.parts.catalog.resolve(name, signal);
    return new GatewayError(code, because);
  }

  async #acquire(name: string, key: string, signal: AbortSignal): Promise<Route> {
    const { catalog, coordinators, startCoordinator, refuseMisfit } = this.parts;
    // The disk is read only for a model that is not loaded: an unknown name must not cost the loaded one its place.
    const model = coordinators.ready?.key === key ? undefined : await catalog.resolve(name, signal);
    const current = coordinators.view.key; // also while it loads
    if (model && current !== undefined && current !== key) await refuseMisfit(model, signal);
    const lease = await coordinators.acquire({
      key: model?.key ?? key,
      start: async (closing) =>
        await startCoordinator(model ?? await catalog.resolve(name, closing), closing),
    }, { signal });
    return coordinatorRoute(lease);
  }

  /** Hop 5: one upstream, asked exactly once. Resolves when the first byte for the client is there. */
  async #ask(route: Route, request: InferenceRequest, record: RequestRecord): Promise<Answer> {
    const response = await this.parts.http.send(route.address, {
      method: "POST",
      target: route.basePath + request.target,
      headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...route.headers],
      body: request.body,
      signal: request.signal,
      connectTimeoutMs: this.parts.settings.connectTimeoutMs,
      // llama-server closes behind each stream, whatever it says: a pooled connection would just then be gone.
      fresh: request.stream && route.to === "coordinator",
    });
    const answer = {
      status: response.status,
      headers: clientHeaders(response.headers),
      report: {
        upstream: route.upstream,
        because: route.because,
        attemptCount: record.attemptCount,
        queueMs: route.queueMs,
        loadMs: route.loadMs,
      },
    };
    if (isEventStream(response)) {
      return { ...answer, body: await this.#openStream(response, route, request, record) };
    }
    const body = await response.body.bytes(MAX_HELD_ANSWER_BYTES);
    route[Symbol.dispose]();
    record.answers();
    record.ends(response.status);
    return { ...answer, body };
  }

  async #openStream(
    response: HttpResponse,
    route: Route,
    { signal }: InferenceRequest,
    record: RequestRecord,
  ): Promise<AnswerStream> {
    const stream = await AnswerStream.open({
      body: response.body,
      explain: async (thrown) => brokeOff((await this.#explain(thrown, route, signal)).error),
      onEnd: (error, dataEventCount) => {
        route[Symbol.dispose]();
        record.ends(error === undefined ? response.status : statusOf(error, signal), error, dataEventCount);
      },
    });
    record.answers();
    return stream;
  }
}

function statusOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return 499;
  return error instanceof GatewayError ? error.status : 500;
}
