import type { ExchangeFor } from "../../lib/dialects/exchange.ts";
import type { Answer, AnswerReport } from "../../lib/router/answer.ts";
import type { AnswerEvents } from "../../lib/router/answer_stream.ts";
import { answerInChoices, type ChoiceRequest } from "../../lib/router/choices.ts";

/** UTF-8. */
export const encode = (text: string) => new TextEncoder().encode(text);
/** UTF-8. */
export const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
/** Where every choice went, unless it is told otherwise. */
export const REPORT: AnswerReport = {
  to: "node",
  upstream: "gpu-1",
  url: "http://127.0.0.1:1",
  because: "it is the only one",
  attemptCount: 1,
  queueMs: 1,
  loadMs: 2,
  durationMs: 3,
  modelName: undefined,
};

/** A stream whose events the test gives, one read each. */
export class FakeEvents implements AnswerEvents {
  isCancelled = false;
  readCount = 0;
  readonly #steps: (string | null | Error)[] = [];
  #wake = () => {};

  say(...steps: (string | null | Error)[]): this {
    this.#steps.push(...steps);
    this.#wake();
    return this;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    this.readCount++;
    while (this.#steps.length === 0 && !this.isCancelled) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const step = this.#steps.shift() ?? null;
    if (step instanceof Error) throw step;
    return step === null ? null : encode(step);
  }

  cancel(): void {
    this.isCancelled = true;
    this.#wake();
  }
}

/** An event of a chat with this text. */
export const chunk = (id: string, text: string, more: Record<string, unknown> = {}) =>
  event({
    id,
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content: text } }],
    ...more,
  });
/** An event as it is sent. */
export const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
/** The end of a stream. */
export const DONE = "data: [DONE]\n\n";
/** The event that tells of tokens. */
export const usage = (id: string, prompt: number, completion: number) =>
  chunk(id, "", {
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      prompt_tokens_details: { cached_tokens: 1 },
    },
    timings: {},
  });

/** The answer to one choice. */
export const answerOf = (body: Uint8Array | AnswerEvents, status = 200, upstream = "gpu-1"): Answer => ({
  status,
  headers: [["content-type", "application/json"], ["content-length", "5"]],
  body,
  report: { ...REPORT, upstream },
});
/** The same, whole, in JSON. */
export const wholeOf = (value: unknown, status?: number, upstream?: string) =>
  answerOf(encode(JSON.stringify(value)), status, upstream);

/** A choice that was asked for. */
export interface Asked {
  readonly index: number;
  readonly signal: AbortSignal;
  readonly give: (answer: Answer | Error) => void;
}

/** Asks for so many choices; the test answers each. */
export function choosing(count: number, stream: boolean) {
  const exchanges: ExchangeFor[] = Array.from({ length: count }, () => () => Promise.reject(new TypeError()));
  const asked: Asked[] = [];
  const ends: unknown[] = [];
  const left = new AbortController();
  const request: ChoiceRequest = { exchange: exchanges[0]!, stream, signal: left.signal };
  const answer = answerInChoices({
    request,
    exchanges,
    ask: ({ exchange, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      signal.addEventListener("abort", () => reject(signal.reason));
      const give = (given: Answer | Error) => given instanceof Error ? reject(given) : resolve(given);
      asked.push({ index: exchanges.indexOf(exchange), signal, give });
      return promise;
    },
    onEnd: (error) => ends.push(error),
  });
  answer.catch(() => {});
  return { answer, asked, ends, left };
}

/** Lets all go on that can. */
export const turnOfEvents = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};
