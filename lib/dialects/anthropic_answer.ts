import { joinBytes } from "../join_bytes.ts";
import { anthropicDialect } from "./anthropic_dialect.ts";
import { anthropicEvent } from "./anthropic_event.ts";
import {
  failure,
  messageFields,
  type MessageHead,
  NO_END,
  stopReason,
  toolUse,
  usageOf,
} from "./anthropic_message.ts";
import type { ChatEvent, ChatUsage, FinishReason } from "./chat.ts";

/** What a block holds. */
type BlockKind = "text" | "reasoning" | "tool_call";

/** Tells an answer piece by piece, in Anthropic's events. */
export class AnthropicAnswerStream {
  #hasBegun = false;
  #hasFailed = false;
  #open: BlockKind | undefined;
  /** Of the block that is open, or comes next. */
  #blockIndex = 0;
  /** Of the tool that is called in the open block. */
  #callIndex = -1;
  #usage: ChatUsage = {};
  #reason: FinishReason | undefined;

  /** Begins before the first event. */
  constructor(private readonly head: MessageHead) {}

  /**
   * What the client gets for these pieces. After an error it gets no more.
   *
   * @throws {SyntaxError} If they are in an order that makes no sense.
   */
  push(events: readonly ChatEvent[]): Uint8Array<ArrayBuffer> {
    return joinBytes([...this.#words(events)]);
  }

  /** What is left to say when the upstream has ended: that the answer is whole; or, if it did not say so, that it failed. */
  end(): Uint8Array<ArrayBuffer> {
    return joinBytes([...this.#lastWords()]);
  }

  *#words(events: readonly ChatEvent[]): Generator<Uint8Array<ArrayBuffer>> {
    for (const event of events) {
      if (this.#hasFailed) return;
      if (!this.#hasBegun && event.kind !== "error") yield this.#begin();
      yield* this.#tell(event);
    }
  }

  *#tell(event: ChatEvent): Generator<Uint8Array<ArrayBuffer>> {
    switch (event.kind) {
      case "text":
        yield* this.#opened("text", { type: "text", text: "" });
        return yield this.#delta({ type: "text_delta", text: event.text });
      case "reasoning":
        yield* this.#opened("reasoning", { type: "thinking", thinking: "", signature: "" });
        return yield this.#delta({ type: "thinking_delta", thinking: event.text });
      case "tool_call":
        yield* this.#close();
        this.#callIndex = event.index;
        return yield* this.#opened("tool_call", toolUse(this.head, event, {}));
      case "arguments":
        if (this.#open !== "tool_call" || this.#callIndex !== event.index) throw outOfOrder();
        return yield this.#delta({ type: "input_json_delta", partial_json: event.json });
      case "usage":
        this.#usage = event.usage;
        return;
      case "finish":
        this.#reason = event.reason;
        return;
      case "error":
        return yield this.#fail(event.message);
    }
  }

  *#lastWords(): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#hasFailed) return;
    if (this.#reason === undefined) return yield this.#fail(NO_END);
    yield* this.#close();
    const delta = { stop_reason: stopReason(this.#reason, this.#callIndex >= 0), stop_sequence: null };
    yield anthropicEvent({ type: "message_delta", delta, usage: usageOf(this.head, this.#usage) });
    yield anthropicEvent({ type: "message_stop" });
  }

  #begin(): Uint8Array<ArrayBuffer> {
    this.#hasBegun = true;
    const message = {
      ...messageFields(this.head),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: usageOf(this.head, {}),
    };
    return anthropicEvent({ type: "message_start", message });
  }

  *#opened(kind: BlockKind, block: Record<string, unknown>): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#open === kind) return;
    yield* this.#close();
    this.#open = kind;
    yield anthropicEvent({ type: "content_block_start", index: this.#blockIndex, content_block: block });
  }

  *#close(): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#open === undefined) return;
    if (this.#open === "reasoning") yield this.#delta({ type: "signature_delta", signature: "" });
    yield anthropicEvent({ type: "content_block_stop", index: this.#blockIndex });
    this.#open = undefined;
    this.#blockIndex++;
  }

  #delta(delta: Record<string, unknown>): Uint8Array<ArrayBuffer> {
    return anthropicEvent({ type: "content_block_delta", index: this.#blockIndex, delta });
  }

  #fail(message: string): Uint8Array<ArrayBuffer> {
    this.#hasFailed = true;
    return anthropicDialect.errorEvent(failure(message), this.head.requestId);
  }
}

function outOfOrder(): SyntaxError {
  return new SyntaxError("Cannot tell a tool call whose arguments come before it or behind the next one");
}
