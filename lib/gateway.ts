import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { ExternalView } from "./coordinator/external.ts";
import type { ExternalCoordinators } from "./coordinator/external_coordinators.ts";
import type { VerifiedPlacement } from "./coordinator/placement_check.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient, HttpResponse } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { CoordinatorPool } from "./pool/pool.ts";
import type { PoolView } from "./pool/pooled.ts";
import { type Answer, clientHeaders, isEventStream } from "./router/answer.ts";
import {
  type AnswerEvents,
  AnswerStream,
  type AnswerStreamOptions,
  brokeOff,
} from "./router/answer_stream.ts";
import type { ModelCatalog, ModelEntry } from "./router/catalog.ts";
import { HeardBody } from "./router/heard_body.ts";
import { type EarlyAnswer, waitOrAnswer } from "./router/patient_stream.ts";
import { RequestRecord } from "./router/request_record.ts";
import { ResumedStream } from "./router/resumed_stream.ts";
import { explainFailure, type Failure, type Route, shuttingDown } from "./router/route.ts";
import { successorAt } from "./router/successor.ts";
import type { Upstreams } from "./router/upstreams.ts";
import type { BackendView } from "./rpc/backend.ts";
import { readVocabulary } from "./store/gguf_vocabulary.ts";
import { MIB } from "./units.ts";

/** Answers that are no stream are held back until whole, so that one which breaks can be asked for again. */
const MAX_HELD_ANSWER_BYTES = 64 * MIB;
/** A request that was begun is begun once more, never again. */
const MAX_SENT = 2;
/** What cannot even be sent is tried elsewhere so often. */
const MAX_ATTEMPTS = 8;

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
  readonly body: Uint8Array<ArrayBuffer>;
  /** 0 to 10, the higher the sooner. Default 5. */
  readonly priority?: number | undefined;
  /** For how long it may wait for others' work, ms. Default: the operator's. */
  readonly maxWaitMs?: number | undefined;
  /** For how long its model is to stay loaded once it is idle, ms. Default: the operator's. */
  readonly keepAliveMs?: number | undefined;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

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
      return await this.#answer(request, record);
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

  /** Hops 3 to 5, until the first byte is there. What may have been begun is asked once more; what was not sent, anew. */
  async #answer(request: InferenceRequest, record: RequestRecord): Promise<Answer> {
    const tried = new Set<string>();
    for (let sentCount = 0;;) {
      const route = await this.parts.upstreams.acquire({ ...request, tried });
      record.attempts(route);
      try {
        return await this.#ask(route, request, record);
      } catch (thrown) {
        route.reportFailure?.(thrown);
        // The lease is held meanwhile: a swap would make a living coordinator look like a dead one.
        const { error, isRetryable, wasSent } = await this.#explain(thrown, route, request.signal)
          .finally(() => route[Symbol.dispose]());
        if (wasSent) sentCount++;
        if (!isRetryable || sentCount === MAX_SENT || record.attemptCount === MAX_ATTEMPTS) throw error;
        if (route.to === "external") tried.add(route.upstream);
        this.parts.logger.warn("request retried", { requestId: request.id, error });
      }
    }
  }

  /** What is in flight from now on breaks because of us, and is told so. */
  close(): void {
    this.#isClosing = true;
  }

  async #explain(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
    const failure = await explainFailure(thrown, route, signal);
    return this.#isClosing && !signal.aborted
      ? { ...failure, error: shuttingDown(failure.error), isRetryable: false }
      : failure;
  }

  /** Hop 5: one upstream, asked exactly once. Resolves when the first byte for the client is there. */
  async #ask(route: Route, request: InferenceRequest, record: RequestRecord): Promise<Answer> {
    const response = await this.parts.http.send(route.address, {
      method: "POST",
      target: route.basePath + request.target,
      headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...route.headers],
      body: request.body,
      signal: route.lost ? AbortSignal.any([request.signal, route.lost]) : request.signal,
      connectTimeoutMs: this.parts.config.timeouts.connectMs,
      // llama-server closes behind each stream, whatever it says: a pooled connection would just then be gone. And on a
      // connection to a host that has just died a request counts as sent, so that nobody else could be asked.
      fresh: request.stream || route.to === "external",
    });
    route.reportAnswer?.(response.status);
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
    if (response.status < 500) route.reportServed?.();
    route[Symbol.dispose]();
    record.answers();
    record.ends(response.status);
    return { ...answer, body };
  }

  async #openStream(
    response: HttpResponse,
    route: Route,
    request: InferenceRequest,
    record: RequestRecord,
  ): Promise<AnswerEvents> {
    const { signal } = request;
    const onEnd: AnswerStreamOptions["onEnd"] = (error, dataEventCount) =>
      record.ends(error === undefined ? response.status : statusOf(error, signal), error, dataEventCount);
    const isResumed = this.parts.config.hasResumedStreams && route.process !== undefined;
    const stream = await AnswerStream.open({
      body: route.reportBytes ? new HeardBody(response.body, route.reportBytes) : response.body,
      explain: async (thrown) => {
        route.reportFailure?.(thrown);
        return brokeOff((await this.#explain(thrown, route, signal)).error);
      },
      onEnd: (...how) => {
        if (how[0] === undefined) route.reportServed?.();
        route[Symbol.dispose]();
        if (!isResumed) onEnd(...how);
      },
    });
    record.answers();
    return isResumed ? this.#resumed(stream, route.process!.dead, request, onEnd) : stream;
  }

  /** A stream that another coordinator continues if this one dies. */
  #resumed(
    first: AnswerStream,
    dead: AbortSignal,
    request: InferenceRequest,
    onEnd: AnswerStreamOptions["onEnd"],
  ): AnswerEvents {
    const { upstreams, catalog, clock, config, http, logger } = this.parts;
    return new ResumedStream({
      body: request.body,
      first,
      dead,
      acquire: async (signal) => {
        if (this.#isClosing) throw shuttingDown();
        const route = await upstreams.acquire({ ...request, signal, tried: NOBODY });
        if (!route.process) {
          route[Symbol.dispose](); // another's tokens may mean something else
          throw new GatewayError("no_capacity", "No coordinator of ours can take it over");
        }
        return successorAt(route, {
          http,
          connectTimeoutMs: config.timeouts.connectMs,
          signal,
          explain: (thrown) => this.#explain(thrown, route, signal),
        });
      },
      readVocabulary: async (signal) => {
        const { modelPath } = await catalog.resolve(upstreams.nameOf(request.model), signal);
        return await readVocabulary(modelPath, { signal });
      },
      clock,
      commentEveryMs: config.waiting.commentEveryMs,
      onBreak: (error, tokenCount, refusal) =>
        logger.warn("stream broke", {
          requestId: request.id,
          tokenCount,
          error,
          notContinuedBecause: refusal,
        }),
      onEnd,
    });
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function statusOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return 499;
  return error instanceof GatewayError ? error.status : 500;
}
