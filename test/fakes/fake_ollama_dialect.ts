import { FakeRefusal } from "./fake_ollama_refusal.ts";

/** A request's body, as JSON. */
export type OllamaBody = Readonly<Record<string, unknown>>;

/** One answer of words, whatever the API that it is told in. */
export interface FakeGeneration {
  /** Model as the client spelled it. */
  readonly model: string;
  /** Version of the node. */
  readonly version: string;
  readonly words: readonly string[];
  readonly promptTokenCount: number;
  readonly doneReason: "stop" | "length";
  /** Whether the client asked for usage in its stream. */
  readonly wantsUsage: boolean;
  /** Of OpenAI's APIs. */
  readonly id: string;
  /** By `performance.now()`. */
  readonly startedMs: number;
}

/** How one of Ollama's APIs takes a prompt and tells an answer. */
export interface FakeDialect {
  /** Whether errors are told as OpenAI does. */
  readonly isOpenAi: boolean;
  readonly streamType: string;
  /** Of requests that do not say whether they want a stream. */
  readonly streamsUnasked: boolean;
  /** Refuses what is wrong before the model is looked for. @throws {FakeRefusal} */
  check(body: OllamaBody): void;
  /** Empty when the model is only to be loaded. */
  promptOf(body: OllamaBody): string;
  /** Most tokens wanted; `undefined` for no limit. */
  limitOf(body: OllamaBody): number | undefined;
  /** One token of a stream. */
  piece(generation: FakeGeneration, word: string, isFirst: boolean): string;
  /** What ends a stream. */
  ending(generation: FakeGeneration): string;
  /** What a stream gets when the runner dies. */
  crash(generation: FakeGeneration, message: string): string;
  /** The answer of who wants no stream. */
  whole(generation: FakeGeneration): unknown;
}

/** The member of that name if it is an object, else an empty one. */
export function objectOf(body: OllamaBody, name: string): OllamaBody {
  const value = body[name];
  return typeof value === "object" && value !== null ? value as OllamaBody : {};
}

/** A number of the body; `undefined` where there is none. */
export function numberOf(body: OllamaBody, name: string): number | undefined {
  const value = body[name];
  return typeof value === "number" ? value : undefined;
}

/** All messages' contents in a row. */
export function textOfMessages(body: OllamaBody): string {
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  return messages.map(({ role, content }) => `${role} ${JSON.stringify(content)}`).join(" ");
}

/** As both chats do. @throws {FakeRefusal} If the body names no model. */
export function checkModelIsNamed({ model }: OllamaBody): void {
  if (typeof model !== "string" || model === "") throw new FakeRefusal(400, "model is required");
}
