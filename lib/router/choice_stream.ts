import { mapConcurrently } from "../concurrent.ts";
import { ChoiceEvents } from "../dialects/openai_choice_events.ts";
import { readUpstreamError } from "../dialects/upstream_error.ts";
import { GatewayError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { type AnswerEvents, brokeOff } from "./answer_stream.ts";
import { notUnderstood } from "./translated_stream.ts";

/** How a {@linkcode ChoiceStream} gets the streams that it is made of. */
export interface ChoiceStreamOptions {
  /** Each asks for one choice, in their order. */
  readonly asks: readonly (() => Promise<Answer>)[];
  /** So many of them at a time. */
  readonly maxAtOnce: number;
  /** Is aborted when nobody wants any choice any more; all that was asked must end by it. */
  readonly giveUp: AbortController;
  /** Told once when a stream that has begun is over; `error` is undefined after a proper end. Must not throw. */
  readonly onEnd: (error: unknown, dataEventCount: number) => void;
}

/** A choice that the upstream refused: its words are the client's, as long as the client has got nothing. */
export class RefusedChoice extends Error {
  /** For logs. */
  override readonly name = "RefusedChoice";

  /** Takes the refusal. */
  constructor(readonly answer: Answer) {
    super(`A choice was answered ${answer.status}`);
  }
}

/** What one choice said, until the client takes it. */
interface Said {
  readonly words: Uint8Array<ArrayBuffer>;
  readonly taken: () => void;
}

/** The upstream itself told of an error inside the stream, and the client was given that. */
class ToldError extends Error {}

/** The streams of several choices in one, as they come. Each is read no further than the client has read it. */
export class ChoiceStream implements AnswerEvents {
  /** The first choice that began to be answered. Rejects if none can be, or with {@linkcode RefusedChoice}. */
  readonly begun: Promise<Answer>;
  readonly #begin = Promise.withResolvers<Answer>();
  readonly #events: ChoiceEvents;
  readonly #active = new Set<AnswerEvents>();
  readonly #said: Said[] = [];
  #isBegun = false;
  #eventCount = 0;
  #hasTold = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wake = () => {};

  /** Asks at once. Read it to its end or cancel it once it has begun. */
  constructor(private readonly options: ChoiceStreamOptions) {
    this.#events = new ChoiceEvents(options.asks.length);
    this.begun = this.#begin.promise;
    void this.#run();
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const said = this.#said.shift();
      if (said) {
        said.taken();
        return said.words;
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  cancel(): void {
    this.#end(new GatewayError("client_closed", "The client left before the answer was whole"));
  }

  /** Never rejects: what goes wrong is told to who waits for the beginning, or to who reads. */
  async #run(): Promise<void> {
    const { asks, maxAtOnce } = this.options;
    try {
      await mapConcurrently([...asks.entries()], maxAtOnce, ([index, ask]) => this.#choose(index, ask));
      await this.#say(this.#events.end());
      this.#end(undefined);
    } catch (thrown) {
      if (thrown instanceof ToldError) return this.#end(undefined);
      this.#begin.reject(thrown);
      this.#end(thrown instanceof RefusedChoice ? refusedLater(thrown) : thrown);
    }
  }

  async #choose(index: number, ask: () => Promise<Answer>): Promise<void> {
    const answer = await ask();
    const { body } = answer;
    if (body instanceof Uint8Array) throw new RefusedChoice(answer);
    if (this.#isOver) return body.cancel();
    this.#active.add(body);
    this.#isBegun = true;
    this.#begin.resolve(answer);
    for (let events = await body.read(); events !== null; events = await body.read()) {
      const { words, hasFailed } = this.#understood(index, events);
      await this.#say(words, { isLast: hasFailed });
      if (hasFailed) throw new ToldError();
    }
    this.#active.delete(body);
  }

  #understood(index: number, events: Uint8Array): ReturnType<ChoiceEvents["push"]> {
    try {
      return this.#events.push(index, events);
    } catch (error) {
      throw error instanceof RangeError ? brokeOff(error) : notUnderstood(error);
    }
  }

  /** Resolves when the client has taken it, or nobody wants it any more. Behind an error nothing is said. */
  async #say(words: Uint8Array<ArrayBuffer>, { isLast = false } = {}): Promise<void> {
    if (words.byteLength === 0 || this.#isOver || this.#hasTold) return;
    this.#hasTold = isLast;
    this.#eventCount++;
    await new Promise<void>((taken) => {
      this.#said.push({ words, taken });
      this.#wake();
    });
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error !== undefined) this.#failure = { error };
    this.options.giveUp.abort(error ?? new GatewayError("client_closed", "The answer is over"));
    for (const stream of this.#active) stream.cancel();
    for (const { taken } of this.#said) taken();
    this.#wake();
    if (this.#isBegun) this.options.onEnd(error, this.#eventCount);
  }
}

/** The client has got a part of the answer already. */
function refusedLater({ answer: { body, report } }: RefusedChoice): GatewayError {
  const said = body instanceof Uint8Array ? readUpstreamError(body).message : "";
  return new GatewayError(
    "upstream_failed",
    `${report.upstream} refused one of the choices: ${said || "it does not say why"}`,
  );
}
