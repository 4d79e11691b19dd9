import type { ModelAccess } from "./auth/model_access.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { ExternalView } from "./coordinator/external.ts";
import type { ExternalCoordinators } from "./coordinator/external_coordinators.ts";
import type { VerifiedPlacement } from "./coordinator/placement_check.ts";
import type { ServingCoordinator } from "./coordinator/serving.ts";
import type { EmbeddingParts } from "./dialects/embedding_parts.ts";
import type { ExchangeFor } from "./dialects/exchange.ts";
import { GatewayError } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { GatewayMetrics } from "./metrics/gateway_metrics.ts";
import type { CoordinatorPool } from "./pool/pool.ts";
import type { PoolView } from "./pool/pooled.ts";
import type { Answer } from "./router/answer.ts";
import { answerInChoices } from "./router/choices.ts";
import type { ModelCatalog } from "./router/catalog.ts";
import { embedInParts } from "./router/embeddings.ts";
import { hedged } from "./router/hedge.ts";
import { Inference, type InferenceRequest } from "./router/inference.ts";
import { type InferenceRecord, PartRecord } from "./router/part_record.ts";
import { type EarlyAnswer, waitOrAnswer } from "./router/patient_stream.ts";
import type { DecisionLog, LoggedDecision } from "./router/decision_log.ts";
import type { Mode } from "./router/decision.ts";
import { type FindOptions, ModelListing, type RoutedModel } from "./router/model_listing.ts";
import type { RouteQuestion } from "./router/model_upstreams.ts";
import { answerFor, errorFor, type ShownModels, textFor } from "./router/other_models.ts";
import { RequestRecord, statusOf } from "./router/request_record.ts";
import { withRoutingNote } from "./router/routed_answer.ts";
import { modeOf } from "./router/route_facts.ts";
import type { RouteExplanation, Upstreams } from "./router/upstreams.ts";
import type { NodeSummary } from "./nodes/node.ts";
import type { WaitingRoom } from "./queue/waiting_room.ts";
import type { BackendView } from "./rpc/backend.ts";

/** How the gateway is, for `GET /health`. */
export interface GatewayHealth {
  /** What the two switches of the configuration make together. */
  readonly mode: Mode;
  /** Requests that have not ended. */
  readonly inFlightCount: number;
  /** Of these, those that wait for a slot or for a model. */
  readonly waitingCount: number;
  /** The Ollama nodes, without all that they hold. */
  readonly nodes: readonly NodeSummary[];
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
  readonly config: Pick<
    Config,
    | "model"
    | "timeouts"
    | "waiting"
    | "hasResumedStreams"
    | "nodes"
    | "modelShardingEnabled"
    | "taskDistributionEnabled"
  >;
  /** Finds the upstream of each request. */
  readonly upstreams: Upstreams;
  /** Names, keys and files of all models. */
  readonly catalog: ModelCatalog;
  /** Our own coordinators. */
  readonly pool: Pick<CoordinatorPool<ServingCoordinator>, "views" | "running">;
  /** Those that somebody else runs. */
  readonly externals: Pick<ExternalCoordinators, "views">;
  /** The Ollama nodes. */
  readonly nodes: { summaries(): readonly NodeSummary[] };
  /** Where requests wait. */
  readonly room: Pick<WaitingRoom, "count">;
  /** Takes note of where each request went. */
  readonly decisions: DecisionLog;
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

/** A request of a client. */
export interface GatewayRequest extends InferenceRequest {
  /** What the key of its client is called; `undefined` without one. */
  readonly keyName?: string | undefined;
  /** Whether the answer is to say in itself where it came from, as the field `_routing`. */
  readonly tellsRouting?: boolean | undefined;
  /** Of a request for embeddings its inputs, where there are several; `undefined`: it is asked as a whole. */
  readonly parts?: EmbeddingParts | undefined;
  /** Where several answers are wanted, how each is put to an upstream; `undefined`: one is. */
  readonly choices?: readonly ExchangeFor[] | undefined;
}

/** What the body of a request for inference asks for, whatever its dialect. */
export type AskedInference =
  & Pick<GatewayRequest, "task" | "dialect" | "model" | "stream" | "keepAliveMs" | "bodyBytes" | "exchange">
  & Partial<Pick<GatewayRequest, "turns" | "parts" | "choices" | "only">>;

/** The one facade that routes know: it finds the upstream of a request, asks it, and saves what can be saved. */
export class Gateway {
  readonly #listing: ModelListing;
  #isClosing = false;

  /** Takes its parts ready made; they stay the caller's to dispose. */
  constructor(private readonly parts: GatewayParts) {
    this.#listing = new ModelListing(parts);
  }

  /** As {@linkcode ModelListing.list}. */
  async listModels(access?: ModelAccess): Promise<readonly RoutedModel[]> {
    return await this.#listing.list(access);
  }

  /** As {@linkcode ModelListing.find}. */
  async getModel(name: string, options: FindOptions): Promise<RoutedModel> {
    return await this.#listing.find(name, options);
  }

  /** Whether a client may use the model that a name stands for. @param access Of its key; `undefined`: all models. */
  isPermitted(model: string, access: ModelAccess | undefined): boolean {
    return this.parts.upstreams.isPermitted(model, access);
  }

  /**
   * Requires that a client may use a model; the usual one, where none is named.
   *
   * @throws {GatewayError} `forbidden`.
   */
  requirePermitted(model: string | undefined, access: ModelAccess | undefined): void {
    this.parts.upstreams.requirePermitted(model, access);
  }

  /**
   * Where a request would go now, every candidate and why not. Nothing is sent; our own store is looked at.
   *
   * @throws {GatewayError} `invalid_request` if no model is named.
   */
  async explainRoute(model: string | undefined, question: RouteQuestion): Promise<RouteExplanation> {
    await this.parts.catalog.list().catch(() => {}); // what cannot be read is told by whoever loads it
    return await this.parts.upstreams.explain(model, question);
  }

  /** Where the last requests went, the newest first. */
  listDecisions(
    options: { readonly limit: number; readonly matches?: (decision: LoggedDecision) => boolean },
  ): readonly LoggedDecision[] {
    return this.parts.decisions.list(options);
  }

  /** Cached facts only: answers at once, also while a model loads. */
  get health(): GatewayHealth {
    const { config, pool, backends, externals, nodes, metrics, room } = this.parts;
    return {
      mode: modeOf(config),
      inFlightCount: metrics.inFlightCount,
      waitingCount: room.count,
      nodes: nodes.summaries(),
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
  async infer(request: GatewayRequest): Promise<Answer | EarlyAnswer> {
    if (!request.stream) return await this.#record(request);
    const { upstreams, config, clock } = this.parts;
    const { access } = request;
    const abandon = new AbortController();
    const signal = AbortSignal.any([request.signal, abandon.signal]);
    let describeWait = () => upstreams.describeWait(request.model);
    const onWait = (describe: () => string) => {
      describeWait = describe;
    };
    return await waitOrAnswer(this.#record({ ...request, signal, onWait }), {
      requestId: request.id,
      model: request.model ?? config.model ?? "",
      dialect: request.dialect,
      clock,
      ...config.waiting,
      describeWait: () => access ? textFor(describeWait(), this.#shownTo(access)) : describeWait(),
      abandon,
    });
  }

  /** The answer, and one line for whatever becomes of it. */
  async #record(request: GatewayRequest): Promise<Answer> {
    const { access } = request;
    const record = new RequestRecord(this.parts, {
      id: request.id,
      key: request.keyName,
      task: request.task,
      model: request.model,
      dialect: request.dialect.name,
      stream: request.stream,
      bodyBytes: request.bodyBytes,
    });
    try {
      const given = await this.#answer(request, record);
      const answer = access ? answerFor(given, this.#shownTo(access)) : given;
      return request.tellsRouting
        ? withRoutingNote(answer, request.dialect.name, () => record.elapsedMs)
        : answer;
    } catch (error) {
      record.ends(statusOf(error, request.signal), error);
      if (request.stream) this.#tellUnforeseen(error, request);
      throw access && error instanceof GatewayError ? errorFor(error, this.#shownTo(access)) : error;
    }
  }

  #shownTo(access: ModelAccess): ShownModels {
    return { access, isPermitted: (name) => this.isPermitted(name, access) };
  }

  #answer(request: GatewayRequest, record: RequestRecord): Promise<Answer> {
    if (request.task === "embedding") return this.#embed(request, record);
    const { choices } = request;
    return choices ? this.#choose(request, choices, record) : this.#ask(request, record);
  }

  /** Several answers are several requests, which go where there is room. */
  async #choose(
    request: GatewayRequest,
    exchanges: readonly ExchangeFor[],
    record: RequestRecord,
  ): Promise<Answer> {
    const answer = await answerInChoices({
      request,
      exchanges,
      ask: (choice) => this.#ask(choice, new PartRecord(record)),
      onEnd: (error, eventCount) =>
        record.ends(error === undefined ? 200 : statusOf(error, request.signal), error, eventCount),
    });
    record.answers();
    if (answer.body instanceof Uint8Array) record.ends(answer.status);
    return answer;
  }

  #ask(request: InferenceRequest, record: InferenceRecord): Promise<Answer> {
    return new Inference(request, record, { ...this.parts, isClosing: () => this.#isClosing }).answer();
  }

  /** Embeddings of many texts are computed in parts, where there is room; each may be asked for twice if it is slow. */
  async #embed(request: GatewayRequest, record: RequestRecord): Promise<Answer> {
    const { config: { nodes: { embeddingBatch, hedgeAfterMs } }, clock } = this.parts;
    const ask = (part: InferenceRequest): Promise<Answer> => {
      const askOnce = (asked: InferenceRequest) => this.#ask(asked, new PartRecord(record));
      return hedgeAfterMs === undefined
        ? askOnce(part)
        : hedged(part, { afterMs: hedgeAfterMs, clock, ask: askOnce });
    };
    const { parts } = request;
    const answer = parts && parts.inputs.length > embeddingBatch
      ? await embedInParts({ request, parts, partSize: embeddingBatch }, ask)
      : await ask(request);
    record.answers();
    record.ends(answer.status);
    return answer;
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
