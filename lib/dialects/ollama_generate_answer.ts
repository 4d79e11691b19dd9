import type { ChatEvent } from "./chat.ts";
import type { AnswerTimes, Exchange, StreamTranslator } from "./exchange.ts";
import { LlamaCompletionEvents, llamaCompletionEvents } from "./llama_completion_events.ts";
import { OllamaAnswer, type OllamaAnswerForm } from "./ollama_chat_answer.ts";
import { OpenaiChatEvents, openaiChatEvents } from "./openai_chat_events.ts";

/** How an answer for `/api/generate` is read and written. */
export interface GenerateAnswerForm extends OllamaAnswerForm {
  /** What llama-server was asked: `/v1/chat/completions`, or `/completion` and `/infill`. */
  readonly from: "chat" | "completion";
  /**
   * The tokens of the prompt and this answer, which a later prompt may go on from; `undefined` if it is not known. Must
   * not reject. Absent: the client gets none.
   */
  readonly contextOf?: ((answer: string) => Promise<readonly number[] | undefined>) | undefined;
}

const encoder = new TextEncoder();

/** How the answers of llama-server become those of `/api/generate`. */
export function toOllamaGenerate(
  form: GenerateAnswerForm,
): Required<Pick<Exchange, "translateWhole" | "translateStream">> {
  const readWhole = form.from === "chat" ? openaiChatEvents : llamaCompletionEvents;
  return {
    translateWhole: async (body, times) => {
      const events = readWhole(body);
      const context = await form.contextOf?.(textOf(events));
      return encoder.encode(OllamaAnswer.whole(events, form, times, context));
    },
    translateStream: (times) => new GenerateTranslator(form, times),
  };
}

class GenerateTranslator implements StreamTranslator {
  readonly #events: { push(bytes: Uint8Array): ChatEvent[] };
  readonly #answer: OllamaAnswer;
  #text = "";
  #hasFailed = false;

  constructor(private readonly form: GenerateAnswerForm, times: AnswerTimes) {
    this.#events = form.from === "chat" ? new OpenaiChatEvents() : new LlamaCompletionEvents();
    this.#answer = new OllamaAnswer(form, times);
  }

  push(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const events = this.#events.push(bytes);
    if (this.form.contextOf) this.#text += textOf(events);
    this.#hasFailed ||= events.some(({ kind }) => kind === "error");
    return encoder.encode(this.#answer.lines(events));
  }

  async end(): Promise<Uint8Array<ArrayBuffer>> {
    const context = this.#hasFailed ? undefined : await this.form.contextOf?.(this.#text);
    return encoder.encode(this.#answer.end(context));
  }
}

function textOf(events: readonly ChatEvent[]): string {
  return events.map((event) => event.kind === "text" ? event.text : "").join("");
}
