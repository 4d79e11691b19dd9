import * as z from "zod";
import { invalidField } from "../json_complaint.ts";
import type { ChatRequest, ChatTool } from "./chat.ts";
import { conversationTurns } from "./conversation.ts";
import { itemsIn, type JsonPlace, membersIn } from "./json_bytes.ts";
import { decodeOllamaEnvelope, parseOllamaBody } from "./ollama_envelope.ts";
import { decodeOllamaMedia } from "./ollama_media.ts";
import { type UnpairedMessage, withToolCallIds } from "./tool_call_ids.ts";

/** A request of `POST /api/chat`. */
export interface OllamaChat {
  /** The model's name as the client wrote it, if it did. */
  readonly model: string | undefined;
  /** Whether the answer comes line by line; never where there are no messages. */
  readonly stream: boolean;
  /** For how long the model is to stay loaded once it is idle, ms. */
  readonly keepAliveMs: number | undefined;
  /** Stand for the beginnings of its conversation, see {@linkcode conversationTurns}. */
  readonly turns: readonly string[];
  /** There are no messages: the model is to be loaded, no more. */
  readonly isLoad: boolean;
  /** There are no messages, and the model is to be unloaded. */
  readonly isUnload: boolean;
  /** Whether the oldest messages are left out where the prompt is too long. */
  readonly truncate: boolean;
  /** What is asked. */
  readonly chat: ChatRequest;
}

const toolCall = z.object({
  id: z.string().nullish(),
  function: z.object({ name: z.string(), arguments: z.looseObject({}).nullish() }),
});

const message = z.looseObject({
  role: z.string(),
  content: z.string().nullish(),
  thinking: z.string().nullish(),
  images: z.array(z.string()).nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
});

const tool = z.object({
  function: z.object({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish(),
  }),
});

const chat = z.object({ messages: z.array(message).nullish(), tools: z.array(tool).nullish() });

type SaidMessage = z.infer<typeof message>;

/**
 * Reads the body of `POST /api/chat`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see `ChatRequest` in api/types.go, ollama 0.33
 */
export function decodeOllamaChat(body: Uint8Array): OllamaChat {
  const said = parseOllamaBody(body);
  const { stream, truncate, model, keepAliveMs, ...envelope } = decodeOllamaEnvelope(said);
  const parsed = chat.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const messages = parsed.data.messages ?? [];
  const isLoad = messages.length === 0;
  const isStream = stream && !isLoad;
  const read = messages.map((message, index) => toMessage(message, index));
  return {
    model,
    stream: isStream,
    keepAliveMs,
    turns: conversationTurns(messages),
    isLoad: isLoad && keepAliveMs !== 0,
    isUnload: isLoad && keepAliveMs === 0,
    truncate,
    chat: {
      messages: withToolCallIds(withArguments(read, body)),
      tools: (parsed.data.tools ?? []).map(toTool),
      toolChoice: "auto",
      format: envelope.format,
      thinking: envelope.thinking,
      options: envelope.options,
      topLogprobs: envelope.topLogprobs,
      stream: isStream,
    },
  };
}

function toMessage(said: SaidMessage, index: number): UnpairedMessage {
  return {
    role: said.role.toLowerCase(),
    content: said.content ?? "",
    reasoning: said.thinking || undefined,
    media: decodeOllamaMedia(said.images ?? [], `messages[${index}].images`),
    toolCalls: (said.tool_calls ?? []).map((call) => ({
      id: call.id || undefined,
      name: call.function.name,
      argumentsJson: "{}",
    })),
    toolCallId: said.tool_call_id || undefined,
    toolName: said.tool_name || undefined,
  };
}

function toTool({ function: { name, description, parameters } }: z.infer<typeof tool>): ChatTool {
  return {
    name,
    description: description ?? undefined,
    parameters: parameters ?? { type: "object", properties: {} },
  };
}

/** The arguments of all calls, cut out of the body: a parse would put keys that look like numbers first. */
function withArguments(messages: readonly UnpairedMessage[], body: Uint8Array): readonly UnpairedMessage[] {
  if (messages.every(({ toolCalls }) => toolCalls.length === 0)) return messages;
  const places = items(body, valueAt(body, "messages", 0));
  return messages.map((message, index) => {
    if (message.toolCalls.length === 0) return message;
    const calls = items(body, valueAt(body, "tool_calls", places[index]!.start));
    const toolCalls = message.toolCalls.map((call, at) => {
      const called = valueAt(body, "function", calls[at]!.start)!;
      const place = valueAt(body, "arguments", called.start);
      const text = place && decoder.decode(body.subarray(place.start, place.end));
      return { ...call, argumentsJson: text === undefined || text === "null" ? "{}" : text };
    });
    return { ...message, toolCalls };
  });
}

const decoder = new TextDecoder();

/** Where a member's value stands, the last one if its key comes again, as a parse has it. */
function valueAt(body: Uint8Array, key: string, from: number): JsonPlace | undefined {
  let found: JsonPlace | undefined;
  for (const member of membersIn(body, from)) if (member.key === key) found = member.value;
  return found;
}

function items(body: Uint8Array, place: JsonPlace | undefined): JsonPlace[] {
  return [...itemsIn(body, place!.start)];
}
