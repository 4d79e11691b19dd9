import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import { conversationTurns } from "./conversation.ts";
import { readJsonBody } from "./json_body.ts";
import { type ChatQuirks, chatQuirks } from "./openai_quirks.ts";
import { readToolWish, type ToolWish } from "./openai_tool_choice.ts";
import { chatBody } from "./schema/openai_chat.ts";
import { completionBody, embeddingBody } from "./schema/openai_completion.ts";

/** What the gateway must know of a request for inference; all other fields pass through untouched. */
export interface RequestEnvelope {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** Whether the answer is a stream of events. */
  readonly stream: boolean;
  /** For how long its model is to stay loaded once it is idle, ms, where it says so as Ollama's clients do. */
  readonly keepAliveMs: number | undefined;
}

/** What requests for text say of how many answers they want. */
export interface ChoiceWish {
  /** Answers to each prompt: `n`. */
  readonly choiceCount: number;
  /** Where sampling begins, as it says; below 0 means anywhere. */
  readonly seed: number | undefined;
}

/** The envelope of a chat. */
export interface ChatEnvelope extends RequestEnvelope, ChoiceWish {
  /** Stand for its beginnings: after each message one; equal for equal beginnings, see {@linkcode conversationTurns}. */
  readonly turns: readonly string[];
  /** What is wanted of its tools beyond what upstreams do by themselves. */
  readonly toolWish: ToolWish | undefined;
  /** What of it some upstream must be told otherwise. */
  readonly quirks: ChatQuirks;
}

/** The envelope of a completion. */
export interface CompletionEnvelope extends RequestEnvelope, ChoiceWish {
  /** Prompts in it; `undefined` if its prompt is no list of prompts. */
  readonly promptCount: number | undefined;
  /** What comes behind the text that is to be filled in; often empty. */
  readonly suffix: string;
}

/** The envelope of a request for embeddings. */
export interface EmbeddingEnvelope extends RequestEnvelope {
  /** The inputs, where there are several that can be embedded one by one; `undefined`: there is one. */
  readonly inputs: readonly unknown[] | undefined;
  /** To how many numbers each embedding is to be cut; `undefined`: none is. */
  readonly dimensions: number | undefined;
  /** How the request writes `encoding_format`; `null` where it says so, `undefined` where it says nothing. */
  readonly encodingFormat: string | null | undefined;
}

/**
 * Reads the envelope of `POST /v1/chat/completions`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault, if the body is not UTF-8, not JSON, not
 *   an object, or has something at any depth that no upstream would understand.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export function decodeChatEnvelope(body: Uint8Array): ChatEnvelope {
  const said = readJsonBody(body, "a model and messages");
  const parsed = chatBody.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const chat = parsed.data;
  const toolNames = (chat.tools ?? []).flatMap((tool) => tool.function?.name ?? []);
  return {
    ...toEnvelope(chat),
    ...toChoiceWish(chat),
    turns: conversationTurns(chat.messages),
    toolWish: readToolWish(chat.tool_choice, toolNames),
    quirks: chatQuirks(chat),
  };
}

/**
 * Reads the envelope of `POST /v1/completions`.
 *
 * @throws {GatewayError} `invalid_request`, as {@linkcode decodeChatEnvelope} does.
 * @see https://platform.openai.com/docs/api-reference/completions/create
 */
export function decodeCompletionEnvelope(body: Uint8Array): CompletionEnvelope {
  const said = readJsonBody(body, "a model and a prompt");
  const parsed = completionBody.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { prompt, suffix } = parsed.data;
  if (suffix && !hasTextsOnly(prompt)) {
    const message = `"prompt" must be text, or a list of texts, where there is a "suffix"`;
    throw new GatewayError("invalid_request", message, { field: "prompt" });
  }
  return {
    ...toEnvelope(parsed.data),
    ...toChoiceWish(parsed.data),
    promptCount: listOfPrompts(prompt)?.length,
    suffix: suffix ?? "",
  };
}

/**
 * Reads the envelope of `POST /v1/embeddings`, whose answer is never a stream.
 *
 * @throws {GatewayError} `invalid_request`, as {@linkcode decodeChatEnvelope} does.
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export function decodeEmbeddingEnvelope(body: Uint8Array): EmbeddingEnvelope {
  const said = readJsonBody(body, "a model and an input");
  const parsed = embeddingBody.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { input, dimensions, encoding_format: encodingFormat } = parsed.data;
  return {
    ...toEnvelope(parsed.data),
    stream: false,
    inputs: listOfPrompts(input),
    dimensions: dimensions || undefined,
    encodingFormat,
  };
}

/** What requests of OpenAI's clients have in common. */
interface CommonFields {
  model?: string | null | undefined;
  stream?: boolean | null | undefined;
  keep_alive?: number | null | undefined;
}

function toEnvelope({ model, stream, keep_alive: keepAliveMs }: CommonFields): RequestEnvelope {
  return { model: model ?? undefined, stream: stream ?? false, keepAliveMs: keepAliveMs ?? undefined };
}

function toChoiceWish(
  { n, seed }: { n?: number | null | undefined; seed?: number | null | undefined },
): ChoiceWish {
  return { choiceCount: n ?? 1, seed: seed ?? undefined };
}

function hasTextsOnly(prompt: unknown): boolean {
  return [prompt].flat().every((text) => typeof text === "string");
}

/** A list with a token in it is one prompt, made of tokens. */
function listOfPrompts(prompt: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(prompt) || prompt.some((part) => typeof part === "number")) return undefined;
  return prompt;
}
