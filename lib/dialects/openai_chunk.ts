import * as z from "zod";

/** What of a chat chunk is read; the rest is kept as it is. */
export interface ChatChunk {
  /** The same in all chunks of a stream. */
  readonly id: string;
  /** What it is. */
  readonly object: "chat.completion.chunk";
  /** Usually one; none in a chunk that tells the usage. */
  readonly choices: readonly ChatChoice[];
  /** Whatever else it says. */
  readonly [other: string]: unknown;
}

/** What a chunk adds to one of the answers. */
export interface ChatChoice {
  /** Which answer. */
  readonly index: number;
  /** Why it is over, once it is. */
  readonly finish_reason?: string | null | undefined;
  /** What is new. */
  readonly delta: ChatDelta;
}

/** A part of an answer. */
export interface ChatDelta {
  /** Who speaks; told once. */
  readonly role?: string | null | undefined;
  /** Text. */
  readonly content?: string | null | undefined;
  /** What the model says to itself. */
  readonly reasoning_content?: string | null | undefined;
  /** Parts of calls. */
  readonly tool_calls?: readonly unknown[] | null | undefined;
}

/** What is read of a chunk of `/v1/completions`. */
export interface TextChunk {
  /** Exactly one. */
  readonly choices: readonly { readonly text: string; readonly finish_reason?: string | null | undefined }[];
  /** In the last chunk. */
  readonly usage?:
    | { readonly prompt_tokens: number; readonly completion_tokens: number }
    | null
    | undefined;
}

/** Reads an event of a chat stream; `undefined` if it is none. */
export function readChatChunk(data: string): ChatChunk | undefined {
  return read(chatChunk, data);
}

/** Reads an event of a text stream; `undefined` if it is none. */
export function readTextChunk(data: string): TextChunk | undefined {
  return read(textChunk, data);
}

const delta = z.looseObject({
  role: z.string().nullish(),
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});

const chatChunk = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  choices: z.array(z.looseObject({ index: z.int(), finish_reason: z.string().nullish(), delta })),
});

const textChunk = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string().nullish() })).length(1),
  usage: z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) }).nullish(),
});

function read<T>(shape: z.ZodType<T>, data: string): T | undefined {
  try {
    return shape.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
