import type { ChatEvent, ChatUsage } from "./chat.ts";
import { readUpstreamError } from "./upstream_error.ts";

/** An answer without a stream is one line; none is longer, characters. */
const MAX_LINE_LENGTH = 16 * 1024 * 1024;

/** Reads the stream of Ollama's `/api/chat`, however it was cut. */
export class OllamaChatEvents {
  readonly #decoder = new TextDecoder();
  /** Of a line that has not ended, in pieces: adding each to one text would copy it again and again. */
  #parts: string[] = [];
  #length = 0;
  #callCount = 0;

  /**
   * Takes the next bytes.
   *
   * @returns What the lines say that are whole now.
   * @throws {SyntaxError} If a line is none of Ollama's.
   * @throws {RangeError} If a line is longer than any of Ollama's.
   */
  push(bytes: Uint8Array): ChatEvent[] {
    const lines = this.#decoder.decode(bytes, { stream: true }).split("\n");
    const rest = lines.pop()!;
    const events = lines.flatMap((line) => this.#take(line));
    this.#parts.push(rest);
    this.#length += rest.length;
    if (this.#length > MAX_LINE_LENGTH) {
      throw new RangeError(`Cannot read a line of more than ${MAX_LINE_LENGTH} characters`);
    }
    return events;
  }

  #take(end: string): ChatEvent[] {
    const line = this.#parts.join("") + end;
    this.#parts = [];
    this.#length = 0;
    if (line.trim() === "") return [];
    const events = eventsOf(line, this.#callCount);
    this.#callCount += events.filter(({ kind }) => kind === "tool_call").length;
    return events;
  }
}

const decoder = new TextDecoder();

/** The same of a whole answer. @throws {SyntaxError} If it is none of Ollama's. */
export function ollamaChatEvents(body: Uint8Array): ChatEvent[] {
  return eventsOf(decoder.decode(body), 0);
}

/** What a line of an answer says. Its keys in the order in which they mean something: who thinks does so before speaking. */
function eventsOf(line: string, callCount: number): ChatEvent[] {
  const said = objectOf(JSON.parse(line), "a line");
  if (said["error"]) {
    return [{ kind: "error", message: readUpstreamError(line).message || "it does not say why" }];
  }
  const message = objectOf(said["message"] ?? {}, "message");
  const events: ChatEvent[] = [];
  const [reasoning, text] = [textOf(message, "thinking"), textOf(message, "content")];
  if (reasoning !== "") events.push({ kind: "reasoning", text: reasoning });
  if (text !== "") events.push({ kind: "text", text });
  const calls = message["tool_calls"] ?? [];
  if (!Array.isArray(calls)) throw new SyntaxError("Cannot read an answer of Ollama: tool_calls is no list");
  calls.forEach((call, at) => events.push(...callEvents(call, callCount + at)));
  if (said["done"] === true) {
    events.push({ kind: "usage", usage: usageOf(said) });
    events.push({ kind: "finish", reason: said["done_reason"] === "length" ? "length" : "stop" });
  }
  return events;
}

function callEvents(said: unknown, index: number): ChatEvent[] {
  const call = objectOf(said, "a tool call");
  const called = objectOf(call["function"], "a tool call's function");
  const id = textOf(call, "id");
  const json = JSON.stringify(objectOf(called["arguments"] ?? {}, "arguments"));
  return [
    { kind: "tool_call", index, id: id === "" ? undefined : id, name: textOf(called, "name") },
    { kind: "arguments", index, json },
  ];
}

/** Ollama leaves out what is 0. @see `Metrics` in api/types.go, ollama 0.33 */
function usageOf(said: Fields): ChatUsage {
  const ms = (key: string) => {
    const ns = countOf(said, key);
    return ns === undefined ? undefined : ns / 1e6;
  };
  return {
    promptTokens: countOf(said, "prompt_eval_count"),
    completionTokens: countOf(said, "eval_count"),
    promptMs: ms("prompt_eval_duration"),
    completionMs: ms("eval_duration"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new SyntaxError(`Cannot read an answer of Ollama: ${what} is no object`);
}

function textOf(fields: Fields, key: string): string {
  const value = fields[key] ?? "";
  if (typeof value === "string") return value;
  throw new SyntaxError(`Cannot read an answer of Ollama: ${key} is no text`);
}

function countOf(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === "number" ? value : undefined;
}
