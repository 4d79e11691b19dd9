import type { ChatMedia, ChatMessage, ChatTool, ChatToolCall, Thinking, ToolChoice } from "./chat.ts";
import { mediaTypeOf } from "./media_type.ts";

/** A part of a message as Anthropic's clients say it. */
export type AnthropicBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly source: { readonly data: string } }
  | { readonly type: "thinking"; readonly thinking: string }
  | { readonly type: "redacted_thinking" }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown }
  | {
    readonly type: "tool_result";
    readonly tool_use_id: string;
    readonly content?: readonly AnthropicBlock[] | null | undefined;
  };

/** One turn of a conversation as Anthropic's clients say it. */
export interface AnthropicTurn {
  /** `user`, `assistant` or `system`. */
  readonly role: string;
  /** In their order. */
  readonly content: readonly AnthropicBlock[];
}

/**
 * The same conversation, message by message: the results of tools are messages of their own, before what else their turn
 * says. What an assistant thought in secret is left out: nobody can read it.
 */
export function chatMessages(turns: readonly AnthropicTurn[]): ChatMessage[] {
  const toolNames = new Map<string, string>();
  return turns.flatMap(({ role, content }) => {
    for (const { id, name } of ofType(content, "tool_use")) toolNames.set(id, name);
    const results = ofType(content, "tool_result").map((result) => resultMessage(result, toolNames));
    const rest = ownMessage(role, content);
    return results.length > 0 && isEmpty(rest) ? results : [...results, rest];
  });
}

/** The system message; `undefined` if it says nothing. */
export function systemMessage(blocks: readonly { readonly text: string }[]): ChatMessage | undefined {
  const content = blocks.map(({ text }) => text.replace(BILLING_HEADER, "")).filter((text) => text !== "");
  return content.length === 0
    ? undefined
    : { role: "system", content: content.join("\n\n"), media: [], toolCalls: [] };
}

/**
 * What Claude Code puts before its system message for Anthropic's books. It is no part of the prompt, and is another one each
 * time: whatever comes behind it would never be found in an upstream's cache.
 */
const BILLING_HEADER = /^x-anthropic-billing-header:[^\n]*?\bcch=[0-9a-f]*;\s*/;

/** What a tool is, as Anthropic's clients say it. */
export interface AnthropicTool {
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly description?: string | null | undefined;
  /** JSON schema of its arguments. */
  readonly input_schema: unknown;
}

/** The same tools. */
export function chatTools(tools: readonly AnthropicTool[]): ChatTool[] {
  return tools.map(({ name, description, input_schema: parameters }) => ({
    name,
    description: description ?? undefined,
    parameters,
  }));
}

/** Whether tools may, must or must not be called. */
export function chatToolChoice(
  said: { readonly type: "auto" | "any" | "none" | "tool"; readonly name?: string } | null | undefined,
): ToolChoice {
  if (said?.type === "tool") return { name: said.name! };
  if (said?.type === "any") return "required";
  return said?.type === "none" ? "none" : "auto";
}

/** How much the model is to think. `adaptive` leaves it to the model, as does who says nothing. */
export function chatThinking(
  type: string | undefined,
  effort: "low" | "medium" | "high" | "xhigh" | "max" | undefined,
): Thinking | undefined {
  if (type === "disabled") return false;
  if (effort !== undefined) return effort === "xhigh" ? "high" : effort;
  return type === "enabled" ? true : undefined;
}

function ownMessage(role: string, content: readonly AnthropicBlock[]): ChatMessage {
  const reasoning = ofType(content, "thinking").map(({ thinking }) => thinking).join("\n");
  return {
    role,
    content: textOf(content),
    ...(reasoning !== "" && { reasoning }),
    media: mediaOf(content),
    toolCalls: ofType(content, "tool_use").map(toolCall),
  };
}

function resultMessage(
  { tool_use_id: toolCallId, content }: BlockOf<"tool_result">,
  toolNames: ReadonlyMap<string, string>,
): ChatMessage {
  const blocks = content ?? [];
  return {
    role: "tool",
    content: textOf(blocks),
    media: mediaOf(blocks),
    toolCalls: [],
    toolCallId,
    toolName: toolNames.get(toolCallId),
  };
}

function toolCall({ id, name, input }: BlockOf<"tool_use">): ChatToolCall {
  return { id, name, argumentsJson: JSON.stringify(input) };
}

function textOf(content: readonly AnthropicBlock[]): string {
  return ofType(content, "text").map(({ text }) => text).join("\n");
}

function mediaOf(content: readonly AnthropicBlock[]): ChatMedia[] {
  return ofType(content, "image").map(({ source: { data: base64 } }) => ({
    type: mediaTypeOf(base64),
    base64,
  }));
}

function isEmpty({ content, reasoning, media, toolCalls }: ChatMessage): boolean {
  return content === "" && reasoning === undefined && media.length === 0 && toolCalls.length === 0;
}

type BlockOf<T extends AnthropicBlock["type"]> = Extract<AnthropicBlock, { readonly type: T }>;

function ofType<T extends AnthropicBlock["type"]>(content: readonly AnthropicBlock[], type: T): BlockOf<T>[] {
  return content.filter((block) => block.type === type) as BlockOf<T>[];
}
