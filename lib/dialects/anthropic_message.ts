import { GatewayError } from "../errors.ts";
import type { ChatEvent, ChatUsage, FinishReason } from "./chat.ts";

/** What is known of a message before its answer begins. */
export interface MessageHead {
  /** Of the request; the message is called after it. */
  readonly requestId: string;
  /** As the client said it. */
  readonly model: string;
  /** Tokens of the prompt, about; the real figure comes with the end. */
  readonly promptTokens: number;
}

/** What an upstream did that ended without an end. */
export const NO_END = "it ended without saying why";

/**
 * An answer as a whole.
 *
 * @throws {GatewayError} `upstream_failed` if it tells that it failed, or does not end.
 * @throws {SyntaxError} If its pieces are in an order that makes no sense, or a tool's arguments are no JSON.
 */
export function anthropicMessage(head: MessageHead, events: readonly ChatEvent[]): Record<string, unknown> {
  const failed = events.find(({ kind }) => kind === "error");
  if (failed?.kind === "error") throw failure(failed.message);
  const finish = events.find(({ kind }) => kind === "finish");
  if (finish?.kind !== "finish") throw failure(NO_END);
  const usage = events.find(({ kind }) => kind === "usage");
  const hasCalls = events.some(({ kind }) => kind === "tool_call");
  return {
    ...messageFields(head),
    content: blocksOf(head, events),
    stop_reason: stopReason(finish.reason, hasCalls),
    stop_sequence: null,
    usage: usageOf(head, usage?.kind === "usage" ? usage.usage : {}),
  };
}

function blocksOf(head: MessageHead, events: readonly ChatEvent[]): Record<string, unknown>[] {
  const text = textOf(events, "text");
  const thinking = textOf(events, "reasoning");
  return [
    ...(thinking === "" ? [] : [{ type: "thinking", thinking, signature: "" }]),
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...events.filter((event) => event.kind === "tool_call").map((call) =>
      toolUse(head, call, JSON.parse(argumentsOf(events, call.index) || "{}"))
    ),
  ];
}

function textOf(events: readonly ChatEvent[], kind: "text" | "reasoning"): string {
  return events.map((event) => event.kind === kind ? event.text : "").join("");
}

function argumentsOf(events: readonly ChatEvent[], index: number): string {
  return events.map((event) => event.kind === "arguments" && event.index === index ? event.json : "").join(
    "",
  );
}

/** A call of a tool; named here where the upstream did not. */
export function toolUse(
  { requestId }: MessageHead,
  { id, index, name }: { readonly id: string | undefined; readonly index: number; readonly name: string },
  input: unknown,
): Record<string, unknown> {
  return { type: "tool_use", id: id ?? `toolu_${inName(requestId)}_${index}`, name, input };
}

/** What a message begins with. */
export function messageFields({ requestId, model }: MessageHead): Record<string, unknown> {
  return { id: `msg_${inName(requestId)}`, type: "message", role: "assistant", model };
}

function inName(requestId: string): string {
  return requestId.replaceAll("-", "");
}

/** What the answer took. Tokens from the cache count apart. */
export function usageOf(
  head: MessageHead,
  { promptTokens = head.promptTokens, cachedTokens = 0, completionTokens = 0 }: ChatUsage,
): Record<string, number> {
  return {
    input_tokens: Math.max(0, promptTokens - cachedTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
  };
}

/** Why the answer ended. */
export function stopReason(reason: FinishReason, hasCalls: boolean): string {
  if (reason === "length") return "max_tokens";
  return hasCalls ? "tool_use" : "end_turn";
}

/** An answer that its upstream gave up. */
export function failure(message: string): GatewayError {
  return new GatewayError("upstream_failed", `The upstream failed: ${message}; ask again`);
}
