import type { ClientDialect } from "../dialects/client_dialect.ts";
import type { AnswerTimes, Exchange, GivenAnswer } from "../dialects/exchange.ts";
import { ModelEcho } from "../dialects/model_echo.ts";
import { GatewayError } from "../errors.ts";
import type { HeaderList } from "../http/headers.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { readVocabulary } from "../store/gguf_vocabulary.ts";
import { type Answer, type AnswerReport, clientHeaders } from "./answer.ts";
import { type AnswerEvents, type AnswerStream, type AnswerStreamOptions, brokeOff } from "./answer_stream.ts";
import { askUpstream, type UpstreamAnswer } from "./attempt.ts";
import type { Failure } from "./failure.ts";
import type { InferenceParts, InferenceRequest } from "./inference.ts";
import type { InferenceRecord } from "./part_record.ts";
import { statusOf } from "./request_record.ts";
import { ResumedStream } from "./resumed_stream.ts";
import type { Route } from "./route.ts";
import { successorAt } from "./successor.ts";
import { notUnderstood, RenamedStream, TranslatedStream } from "./translated_stream.ts";
import { factsOf } from "./upstream_facts.ts";

/** What a {@linkcode RoutedRequest} works with. */
export interface RoutedRequestParts extends InferenceParts {
  /** Told how the request ended once an answer has begun. */
  readonly record: InferenceRecord;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** Where the request went. */
  readonly report: () => AnswerReport;
  /** Says what went wrong on a route. */
  readonly explain: (thrown: unknown, route: Route, signal: AbortSignal) => Promise<Failure>;
}

/** A request that cannot be put to the upstream that was chosen for it, which is not the upstream's fault. */
export class UnsuitedRequest extends Error {
  /** For logs. */
  override readonly name = "UnsuitedRequest";

  /** The reason is for the client. */
  constructor(readonly reason: GatewayError) {
    super(reason.message, { cause: reason });
  }
}

/** A request at the upstream that was chosen for it: put in the upstream's words, and answered in the client's. */
export class RoutedRequest {
  /** Asks nobody yet. The route is the caller's until there is an answer. */
  constructor(
    private readonly request: InferenceRequest,
    private readonly route: Route,
    private readonly parts: RoutedRequestParts,
  ) {}

  /**
   * The answer, as soon as the first byte for the client is there; it owns the route from then on. The upstream is asked
   * exactly once, unless its refusal says how the request must be put instead.
   *
   * @throws {UnsuitedRequest} If the request cannot be put to it.
   * @throws Whatever broke, unexplained.
   */
  async answer(): Promise<Answer> {
    const put = await this.#put();
    if ("given" in put) return this.#whole(put.given(this.#times));
    for (let exchange: Exchange = put;;) {
      const { status, headers, body } = await this.#ask(exchange);
      if (!(body instanceof Uint8Array)) return this.#streamed(headers, body, exchange);
      if (status < 400) return await this.#translated({ status, headers, body }, exchange);
      const next: Exchange | undefined = exchange.afterRefusal?.({ status, body });
      if (!next) return this.#refused({ status, headers, body });
      exchange = next;
    }
  }

  async #put(): Promise<Exchange | GivenAnswer> {
    const { http, clock, config, signal } = this.parts;
    const { connectMs: connectTimeoutMs } = config.timeouts;
    try {
      return await this.request.exchange(factsOf(this.route, { http, clock, connectTimeoutMs, signal }));
    } catch (thrown) {
      const isUnsuited = thrown instanceof GatewayError && thrown.status < 500;
      throw isUnsuited ? new UnsuitedRequest(thrown) : thrown;
    }
  }

  #ask(exchange: Exchange): Promise<UpstreamAnswer> {
    const { request, route } = this;
    const { http, clock, config, signal, explain } = this.parts;
    return askUpstream(route, exchange, {
      http,
      clock,
      connectTimeoutMs: config.timeouts.connectMs,
      signal,
      explain: async (thrown) => {
        route.reportFailure?.(thrown);
        if (route.node && !request.signal.aborted) route.node.reportFailure(thrown);
        return brokeOff((await explain(thrown, route, request.signal)).error);
      },
      onEnd: (...how) => {
        if (!this.#isResumed(exchange)) this.#ends(...how);
      },
      keepsRoute: exchange.translateStream !== undefined,
    });
  }

  async #translated({ status, headers, body }: WholeAnswer, exchange: Exchange): Promise<Answer> {
    const { translateWhole } = exchange;
    if (!translateWhole) return this.#whole(this.#echo?.inAnswer(body) ?? body, headers, status);
    try {
      return this.#whole(await translateWhole(body, this.#times));
    } catch (error) {
      throw notUnderstood(error);
    }
  }

  /** An answer that is there: the route is not needed any more. */
  #whole(body: Uint8Array, headers: HeaderList = JSON_HEADERS, status = 200): Answer {
    this.#served();
    return this.#over({ status, headers, body });
  }

  /** What an upstream refuses is told in the client's dialect. */
  #refused(said: WholeAnswer): Answer {
    const { id, dialect } = this.request;
    const { status, body } = dialect.refusal(said, id);
    if (said.status < 500) this.#served();
    return this.#over({ status, headers: refusalHeaders(said.headers), body });
  }

  #served(): void {
    this.route.reportServed?.();
    this.route.node?.reportServed();
  }

  #over(answer: WholeAnswer): Answer {
    const { record, report } = this.parts;
    this.route[Symbol.dispose]();
    record.answers();
    record.ends(answer.status);
    return { ...answer, report: report() };
  }

  #streamed(headers: HeaderList, first: AnswerStream, exchange: Exchange): Answer {
    this.parts.record.answers();
    const report = this.parts.report();
    const stream = this.#isResumed(exchange) ? this.#resumed(exchange, first) : first;
    const { translateStream } = exchange;
    if (translateStream) {
      const translator = translateStream(this.#times);
      const body = new TranslatedStream(stream, translator, () => this.route[Symbol.dispose]());
      return { status: 200, headers: streamHeaders(this.request.dialect), body, report };
    }
    const echo = this.#echo;
    return { status: 200, headers, body: echo ? new RenamedStream(stream, echo) : stream, report };
  }

  /** Clients read the name that they wrote; `undefined` if the upstream uses it anyway. */
  get #echo(): ModelEcho | undefined {
    const { to, modelName, served } = this.route;
    const { model } = this.request;
    if (model === undefined) return undefined;
    if (served?.name === model && !model.includes(",")) return undefined; // llama-server's own name has none
    const isSame = to === "node" && (modelName === undefined || modelName === model);
    return isSame ? undefined : new ModelEcho(model);
  }

  get #times(): AnswerTimes {
    const { clock, record } = this.parts;
    return { now: () => clock.now(), elapsedMs: () => record.elapsedMs, loadMs: this.route.loadMs };
  }

  #ends(...[error, dataEventCount]: Parameters<AnswerStreamOptions["onEnd"]>): void {
    const status = error === undefined ? 200 : statusOf(error, this.request.signal);
    this.parts.record.ends(status, error, dataEventCount);
  }

  #isResumed({ target }: Exchange): boolean {
    return this.parts.config.hasResumedStreams && this.route.process !== undefined && target === RESUMED;
  }

  /** A stream that another coordinator continues if this one dies. */
  #resumed({ body }: Exchange, first: AnswerEvents): AnswerEvents {
    const { request } = this;
    const { upstreams, catalog, clock, config, http, logger, isClosing, explain } = this.parts;
    return new ResumedStream({
      body,
      first,
      dead: this.route.process!.dead,
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
          explain: (thrown) => explain(thrown, route, signal),
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
      onEnd: (...how) => this.#ends(...how),
    });
  }
}

/** An answer that is there as a whole. */
interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

const NOBODY: ReadonlySet<string> = new Set();
/** The only answers that another coordinator can go on with. */
const RESUMED = "/v1/chat/completions";
const JSON_HEADERS: HeaderList = [["content-type", "application/json; charset=utf-8"]];

/** nginx would hold events back otherwise. */
function streamHeaders({ streamType }: ClientDialect): HeaderList {
  return [["content-type", streamType], ["x-accel-buffering", "no"]];
}

/** The headers of a refusal in our words: of its own only the wish to be left alone for a while stays. */
export function refusalHeaders(headers: HeaderList): HeaderList {
  const kept = clientHeaders(headers).filter(([name]) => name === "retry-after");
  return [["content-type", "application/json"], ...kept];
}
