import type { Clock } from "../clock.ts";
import { BrokenAnswer } from "../dialects/broken_answer.ts";
import { DeliveredAnswer } from "../dialects/openai_delivered.ts";
import { resumableRequest } from "../dialects/openai_resume.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Vocabulary } from "../gguf/vocabulary.ts";
import { SlicedWait } from "../sliced_wait.ts";
import { SseWatch } from "../stream/sse.ts";
import { sseComment } from "../stream/sse_comment.ts";
import type { AnswerEvents } from "./answer_stream.ts";
import { type BrokenChat, type Continuation, continueOn, finished, whyNotContinued } from "./continuation.ts";
import type { Successor } from "./successor.ts";

/** Most continuations of one stream, however far it comes each time. */
const MAX_RESUMPTIONS = 5;
/** So many coordinators that die one after the other over the same token end a stream: it might be what kills them. */
const MAX_DEATHS_IN_PLACE = 2;

/** How a stream is continued. */
export interface ResumeOptions {
  /** The client's request, as it was sent. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Its answer. */
  readonly first: AnswerEvents;
  /** Aborts when the coordinator that gives the answer is dead; any other break is told to the client. */
  readonly dead: AbortSignal;
  /**
   * The coordinator that takes the place of a dead one, once it is ready.
   *
   * @throws {GatewayError} If there will be none.
   */
  readonly acquire: (signal: AbortSignal) => Promise<Successor>;
  /** The tokens of the model, from its file; `undefined` if they are not told by their text. */
  readonly readVocabulary: (signal: AbortSignal) => Promise<Vocabulary | undefined>;
  /** Measures the pauses. */
  readonly clock: Clock;
  /** How often a comment line is sent while nothing goes on, ms. */
  readonly commentEveryMs: number;
  /** Hears of each break: what broke the stream, what the client had, and why it is not continued, if it is not. */
  readonly onBreak: (error: unknown, tokenCount: number, refusal: string | undefined) => void;
  /** Told once when the stream is over; `error` is undefined after a proper end. */
  readonly onEnd: (error: unknown, dataEventCount: number) => void;
}

/**
 * A chat stream that goes on when its coordinator dies: another one continues it behind the last token, and the client
 * reads one unbroken stream. The bytes of a coordinator that lives pass untouched.
 *
 * What text alone does not tell faithfully is not continued: reasoning, tool calls, forced formats, several choices,
 * figures for each token, pictures. Such a stream ends with the error that broke it, unless it had said nothing yet: then
 * it is asked for again.
 */
export class ResumedStream implements AnswerEvents {
  readonly #chat: BrokenChat;
  readonly #watch = new SseWatch();
  readonly #left = new AbortController();
  #current: Continuation;
  #dead: AbortSignal;
  #successor: Successor | undefined;
  #resuming: Resuming | undefined;
  #resumptionCount = 0;
  #lastDeath = { tokenCount: -1, count: 0 };
  #isOver = false;

  /** Owns the answer from here on. */
  constructor(private readonly options: ResumeOptions) {
    const { body, first, dead } = options;
    this.#chat = { body, request: resumableRequest(body), delivered: new DeliveredAnswer() };
    this.#current = { events: first };
    this.#dead = dead;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      for (;;) {
        const events = await (this.#resuming ? this.#awaitResumption(this.#resuming) : this.#readCurrent());
        if (events === null) return this.#end(undefined);
        if (events.byteLength > 0) return events;
      }
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  cancel(): void {
    const reason = new GatewayError("client_closed", "The client left before the answer was whole");
    this.#left.abort(reason);
    this.#current.events.cancel();
    void this.#resuming?.work.then(({ events }) => events.cancel(), () => {});
    this.#end(reason);
  }

  async #readCurrent(): Promise<Uint8Array<ArrayBuffer> | null> {
    const { events, continued } = this.#current;
    let read: Uint8Array<ArrayBuffer> | null;
    try {
      read = await events.read();
    } catch (error) {
      this.#resume(error);
      return NOTHING;
    }
    if (read === null) return null;
    const delivered = continued?.push(read) ?? read;
    this.#watch.push(delivered);
    this.#chat.delivered.push(delivered);
    return delivered;
  }

  /** Sees to it that the stream goes on. @throws What broke it, if it is not to. */
  #resume(error: unknown): void {
    if (!this.#dead.aborted || this.#isOver) throw this.#counted(error);
    const refusal = this.#judgeBreak();
    this.options.onBreak(error, this.#watch.tokenCount, refusal);
    if (refusal !== undefined) throw this.#counted(error);
    this.#resumptionCount++;
    const work = this.#continueAfter(error);
    this.#resuming = { work, wait: new SlicedWait(work, this.options.clock) };
  }

  /** Takes note of a death; why the stream does not go on, if it does not. */
  #judgeBreak(): string | undefined {
    if (this.#resumptionCount === MAX_RESUMPTIONS) return `it was continued ${MAX_RESUMPTIONS} times already`;
    return this.#countDeath() ? "the last coordinator died at the same place" : whyNotContinued(this.#chat);
  }

  /** Takes note of a death; whether too many happened at this place of the answer. */
  #countDeath(): boolean {
    const { tokenCount } = this.#watch;
    const { count } = this.#lastDeath.tokenCount === tokenCount ? this.#lastDeath : { count: 0 };
    this.#lastDeath = { tokenCount, count: count + 1 };
    return count + 1 === MAX_DEATHS_IN_PLACE;
  }

  async #continueAfter(error: unknown): Promise<Continuation> {
    this.#dropSuccessor();
    try {
      return finished(this.#chat) ?? await this.#continueElsewhere();
    } catch (thrown) {
      this.#dropSuccessor();
      this.#left.signal.throwIfAborted();
      throw this.#counted(notContinued(error, thrown));
    }
  }

  async #continueElsewhere(): Promise<Continuation> {
    const { acquire, readVocabulary } = this.options;
    const { signal } = this.#left;
    for (;;) {
      const successor = await acquire(signal);
      this.#successor = successor;
      this.#dead = successor.dead;
      try {
        signal.throwIfAborted();
        return await continueOn(successor, this.#chat, () => readVocabulary(signal));
      } catch (thrown) {
        this.#dropSuccessor();
        if (!successor.dead.aborted || this.#countDeath()) throw thrown;
      }
    }
  }

  async #awaitResumption({ work, wait }: Resuming): Promise<Uint8Array<ArrayBuffer>> {
    if (!await wait.isOverWithin(this.options.commentEveryMs)) {
      return sseComment("waiting for a coordinator that continues");
    }
    this.#current = await work;
    this.#resuming = undefined;
    return NOTHING;
  }

  #counted(error: unknown): unknown {
    if (!(error instanceof GatewayError)) return error;
    return new BrokenAnswer(reasonOf(error), this.#watch.tokenCount);
  }

  #dropSuccessor(): void {
    this.#successor?.[Symbol.dispose]();
    this.#successor = undefined;
  }

  #end(error: unknown): null {
    if (this.#isOver) return null;
    this.#isOver = true;
    this.#dropSuccessor();
    this.options.onEnd(error, this.#watch.dataEventCount);
    return null;
  }
}

const NOTHING = new Uint8Array(0);

/** A continuation that is being prepared. */
interface Resuming {
  readonly work: Promise<Continuation>;
  readonly wait: SlicedWait;
}

/** What broke the stream stays the reason; why it does not go on is told behind it. */
function notContinued(error: unknown, obstacle: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const { code, message, retryAfterSeconds } = reasonOf(error);
  return new GatewayError(code, `${message}; it could not be continued: ${messageOf(obstacle)}`, {
    cause: obstacle,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

function reasonOf(error: GatewayError): GatewayError {
  return error instanceof BrokenAnswer ? error.reason : error;
}
