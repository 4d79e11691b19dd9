import type { ModelParams } from "../ollama/params.ts";

/** A picture or a sound in a message. */
export interface ChatMedia {
  /** Such as `image/png` or `audio/wav`, by its first bytes. */
  readonly type: string;
  /** Standard base64 with padding, no `data:` prefix. */
  readonly base64: string;
}

/** A call of a tool by the model. */
export interface ChatToolCall {
  /** What the result refers to; made up where the client gave none. */
  readonly id: string;
  /** The tool's name. */
  readonly name: string;
  /** A JSON object, keys in the order in which the model wrote them. */
  readonly argumentsJson: string;
}

/** One message of a chat, whatever the dialect. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`, or what else a client says: the model's template judges it. */
  readonly role: string;
  /** Its text; may be empty. */
  readonly content: string;
  /** What an assistant thought before it spoke. */
  readonly reasoning?: string | undefined;
  /** In their order; a text stands before them. */
  readonly media: readonly ChatMedia[];
  /** Of an assistant. */
  readonly toolCalls: readonly ChatToolCall[];
  /** Which call it is the result of, where its role is `tool`. */
  readonly toolCallId?: string | undefined;
  /** Name of the tool that it is the result of. */
  readonly toolName?: string | undefined;
}

/** A tool that the model may call. */
export interface ChatTool {
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly description?: string | undefined;
  /** JSON schema of its arguments, as the client wrote it. */
  readonly parameters: unknown;
}

/** Whether tools may, must or must not be called; an object: this one must. */
export type ToolChoice = "auto" | "none" | "required" | { readonly name: string };

/** How much the model is to think before it speaks. */
export type Thinking = boolean | "low" | "medium" | "high" | "max";

/** A request for a chat, whatever the dialect: what is said here, every upstream can be asked. */
export interface ChatRequest {
  /** From the first to the last. */
  readonly messages: readonly ChatMessage[];
  /** Often none. */
  readonly tools: readonly ChatTool[];
  /** Means nothing without tools. */
  readonly toolChoice: ToolChoice;
  /** What the answer must look like: any JSON, or JSON by a schema. */
  readonly format?: "json" | { readonly schema: unknown } | undefined;
  /** `undefined`: as the model likes. */
  readonly thinking?: Thinking | undefined;
  /** What the client says of sampling and length, by Ollama's names; what it does not say is absent. */
  readonly options: ModelParams;
  /** How many alternatives are told for each token; `undefined`: no logarithms of probabilities at all. */
  readonly topLogprobs?: number | undefined;
  /** Whether the answer comes piece by piece. */
  readonly stream: boolean;
}

/** Why an answer ended. */
export type FinishReason = "stop" | "length" | "tool_calls";

/** One token and how likely it was. */
export interface TokenLogprob {
  /** Its text. */
  readonly token: string;
  /** Natural logarithm of its probability. */
  readonly logprob: number;
  /** Its bytes, where the upstream tells them. */
  readonly bytes?: readonly number[] | undefined;
  /** The likeliest tokens at its place; empty unless asked for. */
  readonly alternatives: readonly TokenLogprob[];
}

/** What an answer took, as far as the upstream tells. */
export interface ChatUsage {
  /** Tokens of the prompt, those from the cache included. */
  readonly promptTokens?: number | undefined;
  /** Of these, those from the cache. */
  readonly cachedTokens?: number | undefined;
  /** Tokens of the answer. */
  readonly completionTokens?: number | undefined;
  /** Time for the prompt without its cached part, ms. */
  readonly promptMs?: number | undefined;
  /** Time for the answer, ms. */
  readonly completionMs?: number | undefined;
}

/** A piece of an answer, whatever the dialect. An answer ends with `finish`, and with `usage` before or behind it; or with `error`. */
export type ChatEvent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reasoning"; readonly text: string }
  /** Goes with the text before it. */
  | { readonly kind: "logprobs"; readonly tokens: readonly TokenLogprob[] }
  /** A call begins; indices count the calls of an answer from 0. */
  | {
    readonly kind: "tool_call";
    readonly index: number;
    readonly id: string | undefined;
    readonly name: string;
  }
  /** More of the JSON of its arguments. */
  | { readonly kind: "arguments"; readonly index: number; readonly json: string }
  | { readonly kind: "usage"; readonly usage: ChatUsage }
  | { readonly kind: "finish"; readonly reason: FinishReason }
  /** The upstream itself told that it failed. */
  | { readonly kind: "error"; readonly message: string };
