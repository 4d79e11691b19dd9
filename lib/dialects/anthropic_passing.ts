import { joinBytes } from "../join_bytes.ts";
import { indexOfBytes, startsWith } from "../stream/bytes.ts";
import { BlockOrder } from "./anthropic_block_order.ts";
import { anthropicDialect } from "./anthropic_dialect.ts";
import { anthropicEvent, eventText, objectIn, readAnthropicEvent } from "./anthropic_event.ts";
import type { StreamTranslator } from "./exchange.ts";
import { ModelEcho } from "./model_echo.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const END = encoder.encode("\n\n");
const ERROR = encoder.encode("event: error\n");
const START = encoder.encode("event: message_start\n");
const DELTA = encoder.encode("event: message_delta\n");

/** What a passing stream is read with. */
export interface PassingTerms {
  /** Of the request. */
  readonly requestId: string;
  /** As the client said it; `undefined`: as the upstream calls it. */
  readonly model: string | undefined;
}

/**
 * Lets a stream of llama-server's `/v1/messages` pass but for what is not as Anthropic has it: the model's name, the order of
 * its blocks, its errors, which have another form there, and the reason of an answer that a stop sequence ended. All other
 * bytes stay as they are.
 *
 * @see `to_json_anthropic_stream` in tools/server/server-task.cpp of llama.cpp
 */
export class PassingMessages implements StreamTranslator {
  readonly #echo: ModelEcho | undefined;
  readonly #order = new BlockOrder();

  /** Begins before the first event. */
  constructor(private readonly terms: PassingTerms) {
    this.#echo = terms.model === undefined ? undefined : new ModelEcho(terms.model);
  }

  push(events: Uint8Array): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < events.byteLength;) {
      const found = indexOfBytes(events, END, at);
      const next = found < 0 ? events.byteLength : found + END.byteLength;
      parts.push(...this.#changed(events.subarray(at, next)));
      at = next;
    }
    return joinBytes(parts);
  }

  end(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(0);
  }

  #changed(event: Uint8Array): readonly Uint8Array[] {
    if (startsWith(event, 0, START)) return [this.#echo?.inEvents(event.slice()) ?? event];
    if (startsWith(event, 0, DELTA)) return [withReason(event)];
    if (!startsWith(event, 0, ERROR)) return this.#order.inOrder(event);
    const refusal = { status: 500, body: encoder.encode(eventText(event)) };
    return [anthropicDialect.refusalEvent(refusal, this.terms.requestId)];
  }
}

/** What a whole answer that passes is read with. */
export interface PassedTerms {
  /** As the client said it; `undefined`: as the upstream calls it. */
  readonly model: string | undefined;
  /** What the answer was to go on from; empty if nothing. */
  readonly begun: string;
}

/**
 * The same for a whole answer, from which also goes what it was to go on from: llama-server repeats that, Anthropic does not.
 *
 * @throws {SyntaxError} If it is no message.
 */
export function passedMessage(answer: Uint8Array, { model, begun }: PassedTerms): Uint8Array<ArrayBuffer> {
  const said = JSON.parse(decoder.decode(answer));
  const named = model === undefined ? answer : new ModelEcho(model).inAnswer(answer);
  if (!Array.isArray(said?.content)) throw new SyntaxError("The answer is no message: it has no content");
  const reason = stopReasonOf(said.stop_reason, said.stop_sequence);
  if (begun === "" && reason === said.stop_reason) return new Uint8Array(named);
  const content = withoutBegun(said.content, begun);
  return encoder.encode(
    JSON.stringify({ ...said, content, model: model ?? said.model, stop_reason: reason }),
  );
}

/** What stands before what the model said itself, in the first text. */
function withoutBegun(content: readonly unknown[], begun: string): readonly unknown[] {
  const at = content.findIndex((block) => (block as { type?: unknown } | null)?.type === "text");
  const block = content[at] as { readonly text?: unknown } | undefined;
  if (typeof block?.text !== "string" || !block.text.startsWith(begun)) return content;
  return content.with(at, { ...block, text: block.text.slice(begun.length) });
}

/** llama-server tells which stop sequence it was, but calls it the end of a turn. */
function stopReasonOf(reason: unknown, sequence: unknown): unknown {
  return typeof sequence === "string" && reason === "end_turn" ? "stop_sequence" : reason;
}

function withReason(event: Uint8Array): Uint8Array {
  const said = readAnthropicEvent(event);
  const delta = objectIn(said["delta"]);
  const reason = stopReasonOf(delta["stop_reason"], delta["stop_sequence"]);
  if (reason === delta["stop_reason"]) return event;
  return anthropicEvent({ ...said, delta: { ...delta, stop_reason: reason } });
}
