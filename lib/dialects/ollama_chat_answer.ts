import type { ChatEvent, ChatToolCall, ChatUsage, FinishReason, TokenLogprob } from "./chat.ts";
import type { AnswerTimes } from "./exchange.ts";
import { OllamaToolCalls } from "./ollama_tool_calls.ts";
import { ollamaStatistics } from "./ollama_statistics.ts";

/** How an answer is to be written. */
export interface OllamaAnswerForm {
  /** Of a chat or of a text. */
  readonly kind: "chat" | "generate";
  /** The model as the client named it. */
  readonly model: string;
  /** How many alternatives of each token the client wants. */
  readonly topLogprobs?: number | undefined;
}

/**
 * Writes an answer as Ollama does, from the events of any upstream.
 *
 * @see `ChatResponse` and `GenerateResponse` in api/types.go, ollama 0.33: members stand in this order
 */
export class OllamaAnswer {
  readonly #head: string;
  readonly #toolCalls = new OllamaToolCalls();
  #usage: ChatUsage = {};
  #reason: FinishReason | undefined;
  #hasFailed = false;

  /** Begins; nothing is written yet. */
  constructor(private readonly form: OllamaAnswerForm, private readonly times: AnswerTimes) {
    this.#head = `{"model":${JSON.stringify(form.model)},"created_at":"`;
  }

  /**
   * Lines for these events, each with its line feed; may be empty. Tool calls are told once they are whole. An error is
   * the last line.
   *
   * @throws {SyntaxError} If the model called a tool with arguments that are no JSON object.
   */
  lines(events: Iterable<ChatEvent>): string {
    let lines = "";
    let part: AnswerPart | undefined; // a text waits for its logarithms
    for (const event of events) {
      if (event.kind !== "logprobs" || part?.logprobs) {
        lines += this.#line(part);
        part = undefined;
      }
      if (event.kind === "text") part = { text: event.text };
      else if (event.kind === "reasoning") part = { reasoning: event.text };
      else if (event.kind === "logprobs") part = { ...part, logprobs: event.tokens };
      else lines += this.#note(event);
    }
    return lines + this.#line(part);
  }

  /**
   * The last line, with the statistics; empty after an error.
   *
   * @param context Tokens that the answer to a later prompt may go on from.
   * @throws {SyntaxError} If the upstream did not say why the answer ended.
   */
  end(context?: readonly number[]): string {
    return this.#hasFailed ? "" : `${this.#last({ text: "" }, context)}\n`;
  }

  /**
   * All in one object, for a client that wants no stream.
   *
   * @throws {SyntaxError} As {@linkcode lines} and {@linkcode end} do, and if there is an error among the events.
   */
  static whole(
    events: Iterable<ChatEvent>,
    form: OllamaAnswerForm,
    times: AnswerTimes,
    context?: readonly number[],
  ): string {
    const answer = new OllamaAnswer(form, times);
    let [text, reasoning] = ["", ""];
    const logprobs: TokenLogprob[] = [];
    let toolCalls: readonly ChatToolCall[] = [];
    for (const event of events) {
      if (event.kind === "error") throw new SyntaxError(event.message);
      if (event.kind === "text") text += event.text;
      else if (event.kind === "reasoning") reasoning += event.text;
      else if (event.kind === "logprobs") logprobs.push(...event.tokens);
      else toolCalls = answer.#take(event) ?? toolCalls;
    }
    return answer.#last({ text, reasoning, toolCalls, logprobs }, context);
  }

  #note(event: ChatEvent): string {
    if (event.kind === "error") {
      this.#hasFailed = true;
      return `${JSON.stringify({ error: event.message })}\n`;
    }
    const toolCalls = this.#take(event);
    return toolCalls && toolCalls.length > 0 ? this.#line({ toolCalls }) : "";
  }

  /** The tool calls, once the answer is over. */
  #take(event: ChatEvent): readonly ChatToolCall[] | undefined {
    if (event.kind === "tool_call" || event.kind === "arguments") this.#toolCalls.add(event);
    if (event.kind === "usage") this.#usage = { ...this.#usage, ...event.usage };
    if (event.kind !== "finish") return undefined;
    this.#reason = event.reason;
    return this.#toolCalls.whole({ isCut: event.reason === "length" });
  }

  #line(part: AnswerPart | undefined): string {
    if (part === undefined) return "";
    return `${this.#begin(part)},"done":false${this.#after(part)}${this.#logprobs(part)}}\n`;
  }

  #last(part: AnswerPart, context: readonly number[] | undefined): string {
    if (this.#reason === undefined) throw new SyntaxError("The upstream did not say why the answer ended");
    const done = `,"done":true,"done_reason":"${this.#reason === "length" ? "length" : "stop"}"`;
    const statistics = ollamaStatistics(this.#usage, this.times);
    if (this.form.kind === "chat") return this.#begin(part) + done + this.#logprobs(part) + statistics + "}";
    const tokens = context && context.length > 0 ? `,"context":[${context.join(",")}]` : "";
    return this.#begin(part) + done + tokens + statistics + this.#after(part) + this.#logprobs(part) + "}";
  }

  /** Up to the text; of a chat, all of its message. */
  #begin({ text = "", reasoning, toolCalls }: AnswerPart): string {
    const head = `${this.#head}${new Date(this.times.now()).toISOString()}"`;
    const thinking = reasoning ? `,"thinking":${JSON.stringify(reasoning)}` : "";
    if (this.form.kind === "generate") return `${head},"response":${JSON.stringify(text)}${thinking}`;
    const message = `{"role":"assistant","content":${JSON.stringify(text)}${thinking}${
      callsMember(toolCalls)
    }}`;
    return `${head},"message":${message}`;
  }

  /** Calls stand behind all else where there is no message. */
  #after({ toolCalls }: AnswerPart): string {
    return this.form.kind === "chat" ? "" : callsMember(toolCalls);
  }

  #logprobs({ logprobs = [] }: AnswerPart): string {
    if (logprobs.length === 0 || this.form.topLogprobs === undefined) return "";
    return `,"logprobs":${JSON.stringify(logprobs.map((token) => toLogprob(token, this.form.topLogprobs!)))}`;
  }
}

/** What one line tells. */
interface AnswerPart {
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly ChatToolCall[];
  readonly logprobs?: readonly TokenLogprob[];
}

function callsMember(calls: readonly ChatToolCall[] = []): string {
  if (calls.length === 0) return "";
  const said = calls.map(({ id, name, argumentsJson }, index) => {
    const called = `{"index":${index},"name":${JSON.stringify(name)},"arguments":${argumentsJson}}`;
    return `{"id":${JSON.stringify(id)},"function":${called}}`;
  });
  return `,"tool_calls":[${said.join(",")}]`;
}

function toLogprob({ token, logprob, bytes, alternatives }: TokenLogprob, count: number): unknown {
  const top = alternatives.slice(0, count).map((other) => toLogprob(other, 0));
  return { token, logprob, ...(bytes && { bytes }), ...(top.length > 0 && { top_logprobs: top }) };
}
