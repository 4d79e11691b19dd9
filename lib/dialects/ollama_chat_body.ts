import type { ChatMessage, ChatRequest, ChatTool, ChatToolCall } from "./chat.ts";

const encoder = new TextEncoder();

/** What of a request to a node a chat does not say. */
export interface OllamaChatTerms {
  /** What the model is called there. */
  readonly model: string;
  /** Whether the node leaves out the oldest messages where the prompt is too long; otherwise it refuses. */
  readonly truncate: boolean;
}

/**
 * The body of Ollama's `/api/chat` for a chat, without logarithms of probabilities. Ollama cannot be told that a tool must be
 * called: that one of them must is left to the model, and where it is a certain one, it gets no other.
 *
 * @see `ChatRequest` in api/types.go, ollama 0.33
 */
export function ollamaChatBody(
  request: ChatRequest,
  { model, truncate }: OllamaChatTerms,
): Uint8Array<ArrayBuffer> {
  const tools = offeredTools(request);
  return encoder.encode(JSON.stringify({
    model,
    messages: request.messages.map(toMessage),
    ...(tools.length > 0 && { tools: tools.map(toTool) }),
    ...(request.format !== undefined && {
      format: request.format === "json" ? "json" : request.format.schema,
    }),
    ...(request.thinking !== undefined && { think: request.thinking }),
    options: request.options,
    stream: request.stream,
    truncate,
  }));
}

/** The tools that a model may call, by the client's choice. */
export function offeredTools(
  { tools, toolChoice }: Pick<ChatRequest, "tools" | "toolChoice">,
): readonly ChatTool[] {
  if (toolChoice === "none") return [];
  return typeof toolChoice === "string" ? tools : tools.filter(({ name }) => name === toolChoice.name);
}

function toMessage(message: ChatMessage): Record<string, unknown> {
  const { role, content, reasoning, media, toolCalls, toolCallId, toolName } = message;
  return {
    role,
    content,
    ...(reasoning !== undefined && { thinking: reasoning }),
    ...(media.length > 0 && { images: media.map(({ base64 }) => base64) }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toToolCall) }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(toolName !== undefined && { tool_name: toolName }),
  };
}

function toToolCall({ id, name, argumentsJson }: ChatToolCall, index: number): Record<string, unknown> {
  return { id, function: { index, name, arguments: JSON.parse(argumentsJson) } };
}

function toTool({ name, description, parameters }: ChatTool): Record<string, unknown> {
  return { type: "function", function: { name, description, parameters } };
}
