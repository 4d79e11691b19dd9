import type { AnswerTimes, Exchange, StreamTranslator } from "./exchange.ts";
import { withoutContinued } from "./llama_chat_body.ts";
import { OllamaAnswer, type OllamaAnswerForm } from "./ollama_chat_answer.ts";
import { OpenaiChatEvents, openaiChatEvents } from "./openai_chat_events.ts";

const encoder = new TextEncoder();

/**
 * How the answers of `/v1/chat/completions` become Ollama's.
 *
 * @param continued What the model goes on from: whole answers begin with it, streams and Ollama's answers do not.
 */
export function openaiToOllama(
  form: OllamaAnswerForm,
  continued = "",
): Required<Pick<Exchange, "translateWhole" | "translateStream">> {
  return {
    translateWhole: (body, times) => {
      const events = withoutContinued(openaiChatEvents(body), continued);
      return encoder.encode(OllamaAnswer.whole(events, form, times));
    },
    translateStream: (times) => new OllamaTranslator(form, times),
  };
}

class OllamaTranslator implements StreamTranslator {
  readonly #events = new OpenaiChatEvents();
  readonly #answer: OllamaAnswer;

  constructor(form: OllamaAnswerForm, times: AnswerTimes) {
    this.#answer = new OllamaAnswer(form, times);
  }

  push(events: Uint8Array): Uint8Array<ArrayBuffer> {
    return encoder.encode(this.#answer.lines(this.#events.push(events)));
  }

  end(): Uint8Array<ArrayBuffer> {
    return encoder.encode(this.#answer.end());
  }
}
