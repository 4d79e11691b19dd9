import type { ModelAccess } from "../auth/model_access.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { Deadline } from "../deadline.ts";
import type { ClientDialect } from "../dialects/client_dialect.ts";
import type { ExchangeFor } from "../dialects/exchange.ts";
import { GatewayError } from "../errors.ts";
import { formatAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import { shuttingDown } from "../queue/refusals.ts";
import { formatDuration } from "../units.ts";
import type { Answer, AnswerReport } from "./answer.ts";
import type { ModelCatalog } from "./catalog.ts";
import type { Task } from "./decision.ts";
import { type FailedAttempt, isTelling, tellingOf, withLack } from "./failed_attempt.ts";
import { explainFailure, type Failure } from "./failure.ts";
import { NodeRefusal } from "./node_answer.ts";
import { NodeVerdict } from "./node_verdict.ts";
import type { InferenceRecord } from "./part_record.ts";
import type { Route } from "./route.ts";
import { refusalHeaders, RoutedRequest, UnsuitedRequest } from "./routed_request.ts";
import { TriedUpstreams } from "./tried_upstreams.ts";
import type { Upstreams } from "./upstreams.ts";

/** A request that was begun is begun once more, never again. */
const MAX_SENT = 2;
/** What cannot even be sent is tried elsewhere so often. */
const MAX_ATTEMPTS = 8;

/** One inference request, its envelope already read. */
export interface InferenceRequest {
  /** Found again in the log and in `x-sollol-request-id`. */
  readonly id: string;
  /** What kind of work it is. */
  readonly task: Task;
  /** How its client is spoken to. */
  readonly dialect: ClientDialect;
  /** How it is put to the upstream that is chosen. */
  readonly exchange: ExchangeFor;
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** Whether the client wants events as they come. */
  readonly stream: boolean;
  /** Size of its body. */
  readonly bodyBytes: number;
  /** What it can only be put to; `undefined`: to whatever serves its model. */
  readonly only?: "llama-server" | undefined;
  /** Stand for the beginnings of its conversation, see `conversationTurns`; none if it is no chat. */
  readonly turns?: readonly string[] | undefined;
  /** The models that its client may use; `undefined`: all. */
  readonly access?: ModelAccess | undefined;
  /** Where its client wants it to go, see `Demand.wish`. */
  readonly wish?: string | undefined;
  /** Hears what it waits for, whenever that is another thing. Must not throw. */
  readonly onWait?: ((describe: () => string) => void) | undefined;
  /** Names of upstreams that are not to be asked, for another attempt at the same is under way there. */
  readonly avoid?: (() => Iterable<string>) | undefined;
  /** Hears of each upstream that is asked, by what `avoid` calls it. Must not throw. */
  readonly onAttempt?: ((triedAs: string) => void) | undefined;
  /** 0 to 10, the higher the sooner; below 0 for work that nobody waits for. Default 5. */
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
    private readonly record: InferenceRecord,
    private readonly parts: InferenceParts,
  ) {}

  /**
   * The answer, as soon as its first byte is there. What may have been begun is asked once more; what was not sent, anew.
   *
   * @throws {GatewayError} If no upstream can answer; the signal's reason if the client left.
   */
  async answer(): Promise<Answer> {
    const { clock, config } = this.parts;
    const { firstByteMs } = config.timeouts;
    using deadline = new Deadline(clock, firstByteMs, {
      signal: this.request.signal,
      reason: () => tooLate(firstByteMs),
    });
    using verdict = new NodeVerdict(clock);
    return await this.#answerWithin(deadline.signal, verdict);
  }

  /** The deadline is for others: a coordinator of ours may take hours to load, and is watched for progress. */
  async #answerWithin(deadline: AbortSignal, verdict: NodeVerdict): Promise<Answer> {
    const { request, record } = this;
    const tried = new TriedUpstreams();
    let failed: FailedAttempt | undefined;
    for (let sentCount = 0;;) {
      const route = await this.#nextRoute(tried, failed, deadline);
      if (!(Symbol.dispose in route)) return route;
      record.attempts(route);
      request.onAttempt?.(route.triedAs);
      const signal = route.to === "coordinator" ? request.signal : deadline;
      try {
        const answer = await new RoutedRequest(request, route, {
          ...this.parts,
          record,
          signal,
          report: () => this.#reportOf(route),
          explain: (thrown, at, until) => this.#explain(thrown, at, until),
        }).answer();
        if (answer.status < 400) verdict.answered();
        return answer;
      } catch (thrown) {
        if (thrown instanceof UnsuitedRequest) {
          route[Symbol.dispose]();
          throw thrown.reason;
        }
        const failure = await this.#settle(thrown, route, verdict, signal);
        failed = tellingOf(failed, { ...failure, thrown, route });
        if (failure.wasSent) sentCount++;
        if (!failure.isRetryable || sentCount === MAX_SENT || record.attemptCount === MAX_ATTEMPTS) {
          return this.#giveUp(failed);
        }
        tried.failed(route, failure);
        this.parts.logger.warn("request retried", { requestId: request.id, error: failure.error });
      }
    }
  }

  /** Where it is asked next; if there is nobody left, what the last one said is the answer. */
  async #nextRoute(
    tried: TriedUpstreams,
    failed: FailedAttempt | undefined,
    signal: AbortSignal,
  ): Promise<Route | Answer> {
    try {
      const avoided = this.request.avoid?.() ?? [];
      return await this.parts.upstreams.acquire({
        ...this.request,
        tried: new Set([...tried.names, ...avoided]),
        signal,
        loadSignal: this.request.signal,
      });
    } catch (error) {
      if (!failed || signal.aborted) throw error;
      if (!isTelling(failed, tried)) throw withLack(error, failed);
      return this.#giveUp(failed);
    }
  }

  /** An answer that nobody bettered is the client's. @throws What failed, if there is none. */
  #giveUp({ thrown, route, error }: FailedAttempt): Answer {
    if (!(thrown instanceof NodeRefusal) || !thrown.isForClient) throw error;
    const { id, dialect } = this.request;
    const { status, body } = dialect.refusal(thrown.answer, id);
    this.record.answers();
    this.record.ends(status);
    return { status, headers: refusalHeaders(thrown.answer.headers), body, report: this.#reportOf(route) };
  }

  /** Says what went wrong, and gives the lease back. */
  async #settle(thrown: unknown, route: Route, verdict: NodeVerdict, signal: AbortSignal): Promise<Failure> {
    if (route.node) {
      if (this.request.signal.aborted) route[Symbol.dispose]();
      else verdict.failed(route, route.node, signal.aborted ? signal.reason : thrown);
      return await this.#explain(thrown, route, signal);
    }
    route.reportFailure?.(thrown);
    // The lease is held meanwhile: a swap would make a living coordinator look like a dead one.
    return await this.#explain(thrown, route, signal).finally(() => route[Symbol.dispose]());
  }

  async #explain(thrown: unknown, route: Route, signal: AbortSignal): Promise<Failure> {
    const failure = await explainFailure(thrown, route, signal);
    return this.parts.isClosing() && !signal.aborted
      ? { ...failure, error: shuttingDown(failure.error), isRetryable: false }
      : failure;
  }

  #reportOf(route: Route): AnswerReport {
    const { to, upstream, because, queueMs, loadMs, modelName, address } = route;
    const { attemptCount, elapsedMs } = this.record;
    return {
      to,
      upstream,
      url: formatAddress(address),
      because,
      attemptCount,
      queueMs,
      loadMs,
      durationMs: elapsedMs,
      modelName: modelName === this.request.model ? undefined : modelName,
    };
  }
}

function tooLate(firstByteMs: number): GatewayError {
  const message =
    `No answer began within ${formatDuration(firstByteMs)} (timeouts.first_byte), over all attempts; ` +
    "ask again, or ask for a smaller model";
  return new GatewayError("upstream_timeout", message);
}
