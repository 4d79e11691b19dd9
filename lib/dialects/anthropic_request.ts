import { GatewayError } from "../errors.ts";
import { invalidField } from "../json_complaint.ts";
import type { JsonShape } from "../json_shape.ts";
import { chatMessages, chatThinking, chatToolChoice, chatTools, systemMessage } from "./anthropic_chat.ts";
import type { ChatMessage, ChatRequest } from "./chat.ts";
import { conversationTurns } from "./conversation.ts";
import { readJsonBody } from "./json_body.ts";
import {
  type CountTokensBody,
  countTokensBody,
  type MessagesBody,
  messagesBody,
} from "./schema/anthropic_messages.ts";

/** A request of Anthropic's dialect, read. */
export interface DecodedMessages {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** Whether the answer is a stream of events; not unless it is asked for. */
  readonly stream: boolean;
  /** For how long the model is to stay loaded once it is idle, ms, where it says so as Ollama's clients do. */
  readonly keepAliveMs: number | undefined;
  /** Stand for the conversation's beginnings, see `conversationTurns()`. */
  readonly turns: readonly string[];
  /** All of it; its system message, if it has one, comes first. */
  readonly request: ChatRequest;
}

/** The most tokens of an answer where the client does not say, which no client of Anthropic's leaves out; as llama-server has it. */
const DEFAULT_MAX_TOKENS = 4_096;

/**
 * Reads the body of `POST /v1/messages`. What the dialect knows and nobody here needs (`metadata`, `cache_control`,
 * `service_tier` and so on) is not looked at.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see https://docs.anthropic.com/en/api/messages, as `@anthropic-ai/sdk` 1.12 types it
 */
export function decodeMessages(body: Uint8Array): DecodedMessages {
  return decoded(read<MessagesBody>(body, messagesBody));
}

/**
 * Reads the body of `POST /v1/messages/count_tokens`, whose answer is never a stream.
 *
 * @throws {GatewayError} As {@linkcode decodeMessages} does.
 */
export function decodeCountTokens(body: Uint8Array): DecodedMessages {
  return decoded({ ...read<CountTokensBody>(body, countTokensBody), stream: false });
}

function read<T>(body: Uint8Array, shape: JsonShape<T>): T {
  const said = readJsonBody(body, "a model and messages");
  const parsed = shape.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  return parsed.data;
}

function decoded(said: MessagesBody): DecodedMessages {
  const request = chatRequest(said);
  return {
    model: said.model ?? undefined,
    stream: request.stream,
    keepAliveMs: said.keep_alive ?? undefined,
    turns: conversationTurns(request.messages.map(comparable)),
    request,
  };
}

function chatRequest(said: MessagesBody): ChatRequest {
  const system = systemMessage(said.system ?? []);
  const { effort, format } = said.output_config ?? {};
  const request: ChatRequest = {
    messages: [...(system ? [system] : []), ...chatMessages(said.messages)],
    tools: chatTools(said.tools ?? []),
    toolChoice: chatToolChoice(said.tool_choice),
    format: format ? { schema: format.schema } : undefined,
    thinking: chatThinking(said.thinking?.type, effort ?? undefined),
    options: optionsOf(said),
    stream: said.stream ?? false,
  };
  requireChosenTool(request);
  return request;
}

function optionsOf(
  { max_tokens, temperature, top_p, top_k, stop_sequences }: MessagesBody,
): ChatRequest["options"] {
  const stop = stop_sequences?.filter((text) => text !== "") ?? [];
  return {
    num_predict: max_tokens ?? DEFAULT_MAX_TOKENS,
    ...(typeof temperature === "number" && { temperature }),
    ...(typeof top_p === "number" && { top_p }),
    ...(typeof top_k === "number" && { top_k }),
    ...(stop.length > 0 && { stop }),
  };
}

function requireChosenTool({ toolChoice, tools }: ChatRequest): void {
  if (typeof toolChoice === "string" || tools.some(({ name }) => name === toolChoice.name)) return;
  const message = `"tool_choice.name" must be the name of a tool; "tools" has none of this name`;
  throw new GatewayError("invalid_request", message, { field: "tool_choice.name" });
}

/** What of a message stays the same from request to request: clients move their `cache_control`, and forget thoughts. */
function comparable({ role, content, media, toolCalls }: ChatMessage): { role: string; content: unknown } {
  const isText = media.length === 0 && toolCalls.length === 0;
  return { role, content: isText ? content : [content, toolCalls, media] };
}
