import { GatewayError } from "../errors.ts";
import type { ChatEvent, ChatMedia, ChatMessage, ChatRequest, ChatTool, Thinking } from "./chat.ts";
import type { UpstreamFacts } from "./exchange.ts";
import { llamaOptions } from "./ollama_options.ts";
import type { ServedModel } from "./served_model.ts";

const encoder = new TextEncoder();

/**
 * Puts a chat to llama-server: the body of `/v1/chat/completions`. The messages and the system message that are stored
 * with the model come before those of the client.
 *
 * @throws {GatewayError} `invalid_request` for a picture that llama.cpp cannot decode, or a wish for a tool that is not there.
 * @see tools/server/README.md of llama.cpp
 */
export function llamaChatBody(
  request: ChatRequest,
  { modelName, model }: Pick<UpstreamFacts, "modelName" | "model">,
): Uint8Array<ArrayBuffer> {
  const body = {
    ...(modelName !== undefined && { model: modelName }),
    messages: mergedAtEnd(withStored(request.messages, model)).map(toMessage),
    stream: request.stream,
    ...toolFields(request),
    ...formatFields(request.format),
    ...thinkingFields(request.thinking ?? (model?.capabilities.has("thinking") || undefined)),
    ...logprobFields(request),
    ...llamaOptions(request.options, model),
  };
  return encoder.encode(JSON.stringify(body));
}

/** What the model is to go on from, where the assistant has the last word: a whole answer of llama-server begins with it. */
export function continuedText(messages: readonly ChatMessage[]): string {
  const last = mergedAtEnd(messages).at(-1);
  return last?.role === "assistant" ? last.content : "";
}

/** A whole answer of llama-server without what it goes on from, which neither Ollama nor Anthropic repeats. */
export function withoutContinued(events: readonly ChatEvent[], continued: string): readonly ChatEvent[] {
  return events.map((event) =>
    event.kind === "text" && event.text.startsWith(continued)
      ? { kind: "text", text: event.text.slice(continued.length) }
      : event
  );
}

/** As Ollama does: the system message goes before all, and only where the client's first message is none. */
function withStored(
  messages: readonly ChatMessage[],
  model: ServedModel | undefined,
): readonly ChatMessage[] {
  const stored = (model?.messages ?? []).map(({ role, content }) => textMessage(role, content));
  const system = model?.system && messages[0]?.role !== "system" ? [textMessage("system", model.system)] : [];
  return [...system, ...stored, ...messages];
}

function textMessage(role: string, content: string): ChatMessage {
  return { role, content, media: [], toolCalls: [] };
}

/** llama-server refuses a list that ends with two messages of an assistant. */
function mergedAtEnd(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const first = messages.findLastIndex(({ role }) => role !== "assistant") + 1;
  const tail = messages.slice(first);
  if (tail.length < 2) return messages;
  const joined = (texts: readonly (string | undefined)[]) => texts.filter((text) => text).join("\n");
  return [...messages.slice(0, first), {
    role: "assistant",
    content: joined(tail.map(({ content }) => content)),
    reasoning: joined(tail.map(({ reasoning }) => reasoning)),
    media: tail.flatMap(({ media }) => media),
    toolCalls: tail.flatMap(({ toolCalls }) => toolCalls),
  }];
}

function toMessage(message: ChatMessage): Record<string, unknown> {
  const { role, content, reasoning, media, toolCalls, toolCallId, toolName } = message;
  return {
    role,
    content: media.length === 0 ? content : [
      ...(content === "" ? [] : [{ type: "text", text: content }]),
      ...media.map(toPart),
    ],
    ...(reasoning && { reasoning_content: reasoning }),
    ...(toolCalls.length > 0 && {
      tool_calls: toolCalls.map(({ id, name, argumentsJson }) => ({
        id,
        type: "function",
        function: { name, arguments: argumentsJson },
      })),
    }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(toolName !== undefined && { name: toolName }),
  };
}

/** What llama-server calls the sounds that it decodes. */
const AUDIO_FORMATS: Readonly<Record<string, string>> = { "audio/wav": "wav", "audio/mpeg": "mp3" };

function toPart({ type, base64 }: ChatMedia): Record<string, unknown> {
  const format = AUDIO_FORMATS[type];
  if (format !== undefined) return { type: "input_audio", input_audio: { data: base64, format } };
  if (type === "image/webp") {
    const message = "A picture is WebP, which llama.cpp cannot decode; convert it to PNG or JPEG";
    throw new GatewayError("invalid_request", message, { field: "images" });
  }
  return { type: "image_url", image_url: { url: `data:${type};base64,${base64}` } };
}

/** llama-server takes an object as `tool_choice` for `auto`: the one tool that must be called is made the only one. */
function toolFields({ tools, toolChoice }: ChatRequest): Record<string, unknown> {
  if (tools.length === 0) return {};
  if (typeof toolChoice === "string") {
    return { tools: tools.map(toTool), ...(toolChoice !== "auto" && { tool_choice: toolChoice }) };
  }
  const wanted = tools.find(({ name }) => name === toolChoice.name);
  if (wanted) return { tools: [toTool(wanted)], tool_choice: "required" };
  const message = `The tool "${toolChoice.name.slice(0, 100)}" is to be called, but is not among the tools`;
  throw new GatewayError("invalid_request", message, { field: "tool_choice" });
}

function toTool({ name, description, parameters }: ChatTool): Record<string, unknown> {
  return { type: "function", function: { name, description, parameters } };
}

function formatFields(format: ChatRequest["format"]): Record<string, unknown> {
  if (format === undefined) return {};
  if (format === "json") return { response_format: { type: "json_object" } };
  const { schema } = format;
  return { response_format: { type: "json_schema", json_schema: { name: "schema", schema } } };
}

function thinkingFields(thinking: Thinking | undefined): Record<string, unknown> {
  if (thinking === undefined) return {};
  const level = typeof thinking === "string" && { reasoning_effort: thinking };
  return { chat_template_kwargs: { enable_thinking: thinking !== false, ...level } };
}

/** llama-server refuses them in a stream with tools; there they are left out. */
function logprobFields({ topLogprobs, tools, stream }: ChatRequest): Record<string, unknown> {
  if (topLogprobs === undefined || (stream && tools.length > 0)) return {};
  return { logprobs: true, top_logprobs: Math.max(topLogprobs, 1) };
}
