import { FakeRefusal } from "./fake_ollama_refusal.ts";

/** A request's body, as JSON. */
export type OllamaBody = Readonly<Record<string, unknown>>;

/** A call of a tool by a model. */
export interface FakeToolCall {
  readonly id: string;
  readonly name: string;
  /** An object. */
  readonly argumentsJson: string;
}

/** One token of an answer; a call counts as one. */
export type FakePiece =
  | { readonly kind: "thinking" | "text"; readonly text: string }
  | { readonly kind: "call"; readonly call: FakeToolCall };

/** What of a request decides what a model says. */
export interface FakeWish {
  readonly tools: readonly { readonly name: string; readonly parameters: unknown }[];
  /** What the last message tells of a tool, if that is what it does. */
  readonly toolResult: string | undefined;
  /** Of each image, how many bytes. */
  readonly imageBytes: readonly number[];
  /** `json`, or a schema. */
  readonly format: unknown;
  /** `undefined` for as the model likes; a level counts as yes. */
  readonly thinks: boolean | undefined;
  /** How many alternatives are told with each token; `undefined` for no logarithms at all. */
  readonly topLogprobs: number | undefined;
}

/** One answer, whatever the API that it is told in. */
export interface FakeGeneration {
  /** Model as the client spelled it. */
  readonly model: string;
  /** Version of the node. */
  readonly version: string;
  readonly pieces: readonly FakePiece[];
  readonly promptTokenCount: number;
  readonly doneReason: "stop" | "length";
  /** As it came. */
  readonly body: OllamaBody;
  readonly wish: FakeWish;
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
  /** @throws {FakeRefusal} If it wants what there is not. */
  wishOf(body: OllamaBody): FakeWish;
  /** Most tokens wanted; `undefined` for no limit. */
  limitOf(body: OllamaBody): number | undefined;
  /** What a stream has for one of its pieces. */
  piece(generation: FakeGeneration, index: number): string;
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

/** All that it says of one kind, in a row. */
export function textOf({ pieces }: Pick<FakeGeneration, "pieces">, kind: "thinking" | "text"): string {
  return pieces.map((piece) => piece.kind === kind ? piece.text : "").join("");
}

/** The calls of an answer. */
export function callsOf({ pieces }: Pick<FakeGeneration, "pieces">): FakeToolCall[] {
  return pieces.flatMap((piece) => piece.kind === "call" ? [piece.call] : []);
}

/** The tools of both chats. */
export function toolsOf(body: OllamaBody): FakeWish["tools"] {
  const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
  return tools.flatMap(({ type, function: tool }) => type === "function" && tool !== undefined ? [tool] : []);
}

/** How many bytes a base64 text stands for, behind a `data:` prefix if it has one. */
export function bytesOfBase64(text: string): number {
  return Uint8Array.fromBase64(text.replace(/^data:[^,]*,/, "")).byteLength;
}

/** What the last of both chats' messages tells of a tool. */
export function toolResultOf({ messages }: OllamaBody): string | undefined {
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  return last?.role === "tool" ? `${last.content}` : undefined;
}

/** The logarithms that go with a text, in the form that all of Ollama's APIs have. */
export function logprobsOf(text: string, topLogprobs: number): Record<string, unknown>[] {
  const token = { token: text, logprob: -0.25, bytes: [...new TextEncoder().encode(text)] };
  return [topLogprobs > 0 ? { ...token, top_logprobs: [token] } : token];
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
