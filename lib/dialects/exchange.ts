import type { UpstreamRefusal } from "./client_dialect.ts";
import type { ServedModel } from "./served_model.ts";

/**
 * How an upstream frames the stream of an answer, and how it ends: `openai` by `data: [DONE]`, `responses` by the event
 * `response.completed` or `response.incomplete`, `anthropic` by the event `message_stop`, `completion` (llama-server's own)
 * by `"stop":true`, `ollama` by a line with `"done":true`.
 */
export type StreamFormat = "openai" | "responses" | "anthropic" | "completion" | "ollama";

/** What an upstream said to a short question. */
export interface UpstreamReply {
  /** HTTP status. */
  readonly status: number;
  /** What its JSON says; `undefined` if it is none. */
  readonly value: unknown;
}

/** The upstream that is about to be asked, as far as a dialect must know it. */
export interface UpstreamFacts {
  /** What runs there. */
  readonly kind: "llama-server" | "ollama";
  /** What the model is called there; `undefined`: as the client calls it. */
  readonly modelName: string | undefined;
  /** What is known of the model; `undefined` unless a coordinator of ours serves it. */
  readonly model: ServedModel | undefined;
  /**
   * Asks the same upstream a short question, such as `/tokenize`; works until the answer is over.
   *
   * @throws Whatever breaks the connection; the attempt fails with it.
   */
  ask(target: string, body: unknown): Promise<UpstreamReply>;
}

/** The time that an answer takes, for dialects that tell it. */
export interface AnswerTimes {
  /** Now, ms since 1970. */
  now(): number;
  /** Since the request arrived, ms. */
  elapsedMs(): number;
  /** Waited for the model to load, ms. */
  readonly loadMs: number;
}

/** Turns the stream of an upstream into the client's. */
export interface StreamTranslator {
  /**
   * Takes whole events or lines of the upstream.
   *
   * @returns What the client gets for them; may be empty.
   * @throws {SyntaxError} If it cannot be understood; the stream breaks then.
   */
  push(events: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * The upstream has ended as its format says, or by an error event of its own.
   *
   * @returns What is left to say; may be empty. After an error event nothing that looks like success.
   */
  end(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
}

/** What one upstream is sent, and how its answer becomes the client's. Without translations all bytes pass. */
export interface Exchange {
  /** Path at the upstream. */
  readonly target: string;
  /** JSON; the model's name in it is the upstream's. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Whether the upstream is asked for a stream; the client gets one then, too. */
  readonly stream: boolean;
  /** Of that stream. */
  readonly format: StreamFormat;
  /**
   * Turns a whole answer (2xx) into the client's. Absent: it is that already.
   *
   * @throws {SyntaxError} If it cannot be understood.
   */
  readonly translateWhole?: (
    body: Uint8Array,
    times: AnswerTimes,
  ) => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
  /** Begins to turn a stream into the client's. Absent: it is that already. */
  readonly translateStream?: (times: AnswerTimes) => StreamTranslator;
  /** What the same upstream is asked instead after it refused, such as a shorter chat; `undefined`: the refusal stands. */
  readonly afterRefusal?: (refusal: UpstreamRefusal) => Exchange | undefined;
}

/** The upstream need not be asked: that it is there, with the model loaded, was all. */
export interface GivenAnswer {
  /** The whole answer, JSON. */
  readonly given: (times: AnswerTimes) => Uint8Array<ArrayBuffer>;
}

/**
 * How a request is put to an upstream. Called once an attempt, when the upstream is chosen and the model loaded there.
 *
 * @throws {GatewayError} If it cannot be put to this one: the client's fault, or the model cannot do what is asked.
 */
export type ExchangeFor = (
  upstream: UpstreamFacts,
) => Exchange | GivenAnswer | Promise<Exchange | GivenAnswer>;
