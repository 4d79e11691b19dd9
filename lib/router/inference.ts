import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import type { Logger } from "../log.ts";
import { shuttingDown } from "../pool/refusals.ts";
import { readVocabulary } from "../store/gguf_vocabulary.ts";
import { MIB } from "../units.ts";
import { type Answer, clientHeaders, isEventStream } from "./answer.ts";
import { type AnswerEvents, AnswerStream, type AnswerStreamOptions, brokeOff } from "./answer_stream.ts";
import type { ModelCatalog } from "./catalog.ts";
import { HeardBody } from "./heard_body.ts";
import { type RequestRecord, statusOf } from "./request_record.ts";
import { ResumedStream } from "./resumed_stream.ts";
import { explainFailure, type Failure, postTo, type Route } from "./route.ts";
import { successorAt } from "./successor.ts";
import type { Upstreams } from "./upstreams.ts";

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

/** What an {@linkcode Inference} works with. */
export interface InferenceParts {
  /** The operator's word; read at each request. */
  readonly config: Pick<Config, "timeouts" | "waiting" | "hasResumedStreams">;
  /** Finds the upstream of each attempt. */
  readonly upstreams: Upstreams;
  /** Knows the files of all models. */
  readonly catalog: ModelCatalog;
  /** Asks the upstreams. */
  readonly http: HttpClient;
  /** Measures. */
  readonly clock: Clock;
  /** Hears of attempts that failed. */
  readonly logger: Logger;
  /** Whether the gateway closes: what breaks then breaks because of us. */
  readonly isClosing: () => boolean;
}

/** One request on its way: asked until there is an answer, and its stream continued if it may be. */
export class Inference {
  /** Asks nobody yet. The record is told of each attempt, and how it ended once an answer has begun. */
  constructor(
    private readonly request: InferenceRequest,
    private readonly record: RequestRecord,
    private readonly parts: InferenceParts,
  ) {}

  /**
   * The answer, as soon as its first byte is there. What may have been begun is asked once more; what was not sent, anew.
   *
   * @throws {GatewayError} If no upstream can answer; the signal's reason if the client left.
   */
  async answer(): Promise<Answer> {
    const { request, record } = this;
    const tried = new Set<string>();
    for (let sentCount = 0;;) {
      const route = await this.parts.upstreams.acquire({ ...request, tried });
      record.attempts(route);
      try {
        return await this.#ask(route);
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

  async #explain(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
    const failure = await explainFailure(thrown, route, signal);
    return this.parts.isClosing() && !signal.aborted
      ? { ...failure, error: shuttingDown(failure.error), isRetryable: false }
      : failure;
  }

  /** One upstream, asked exactly once. Resolves when the first byte for the client is there. */
  async #ask(route: Route): Promise<Answer> {
    const { request, record } = this;
    const response = await this.parts.http.send(route.address, {
      ...postTo(route, request.target, request.body),
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
      return { ...answer, body: await this.#openStream(response, route) };
    }
    const body = await response.body.bytes(MAX_HELD_ANSWER_BYTES);
    if (response.status < 500) route.reportServed?.();
    route[Symbol.dispose]();
    record.answers();
    record.ends(response.status);
    return { ...answer, body };
  }

  async #openStream(response: HttpResponse, route: Route): Promise<AnswerEvents> {
    const { record, request: { signal } } = this;
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
    return isResumed ? this.#resumed(stream, route.process!.dead, onEnd) : stream;
  }

  /** A stream that another coordinator continues if this one dies. */
  #resumed(
    first: AnswerStream,
    dead: AbortSignal,
    onEnd: AnswerStreamOptions["onEnd"],
  ): AnswerEvents {
    const { request } = this;
    const { upstreams, catalog, clock, config, http, logger, isClosing } = this.parts;
    return new ResumedStream({
      body: request.body,
      first,
      dead,
      acquire: async (signal) => {
        if (isClosing()) throw shuttingDown();
        const route = await upstreams.acquire({ ...request, signal, tried: NOBODY });
        if (!route.process) {
          route[Symbol.dispose](); // another's tokens may mean something else
          throw new GatewayError("no_capacity", "No coordinator of ours can take it over");
        }
        return successorAt(route, {
          dead: route.process.dead,
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
