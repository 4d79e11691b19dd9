import type { ChatMessage, ChatToolCall } from "./chat.ts";

/** A message whose calls and results may have no ids yet. */
export interface UnpairedMessage extends Omit<ChatMessage, "toolCalls"> {
  /** Of an assistant. */
  readonly toolCalls: readonly (Omit<ChatToolCall, "id"> & { readonly id: string | undefined })[];
}

/**
 * Gives each call an id, and each result that names no call the one that it answers: the first open one of its tool, or
 * the first open one. A result of no call stays as it is.
 */
export function withToolCallIds(messages: readonly UnpairedMessage[]): ChatMessage[] {
  let open: ChatToolCall[] = [];
  let madeUpCount = 0;
  return messages.map((message) => {
    if (message.role === "tool") {
      const call = answeredBy(message, open);
      open = open.filter((other) => other !== call);
      return {
        ...message,
        toolCalls: [],
        toolCallId: message.toolCallId ?? call?.id,
        toolName: message.toolName ?? call?.name,
      };
    }
    const toolCalls = message.toolCalls.map((call) => ({ ...call, id: call.id ?? `call_${++madeUpCount}` }));
    if (toolCalls.length > 0) open = toolCalls;
    return { ...message, toolCalls };
  });
}

function answeredBy(
  { toolCallId, toolName }: UnpairedMessage,
  open: readonly ChatToolCall[],
): ChatToolCall | undefined {
  if (toolCallId !== undefined) return open.find(({ id }) => id === toolCallId);
  return open.find(({ name }) => name === toolName) ?? open[0];
}
