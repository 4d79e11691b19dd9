import { indexOfBytes } from "../stream/bytes.ts";
import { encodeSseEvent } from "../stream/sse_event.ts";

const DATA = new TextEncoder().encode("\ndata:");
const decoder = new TextDecoder();

/** What an event of Anthropic's streams says: its JSON tells its type, too. */
export interface AnthropicEvent {
  /** Such as `message_start`. */
  readonly type?: unknown;
  /** All else. */
  readonly [key: string]: unknown;
}

/** An event as bytes. */
export function anthropicEvent(said: AnthropicEvent): Uint8Array<ArrayBuffer> {
  return encodeSseEvent({ type: String(said.type), data: JSON.stringify(said) });
}

/** The JSON of an event that begins with its type, as text; empty if it has none. */
export function eventText(event: Uint8Array): string {
  const at = indexOfBytes(event, DATA);
  return at < 0 ? "" : decoder.decode(event.subarray(at + DATA.byteLength)).trim();
}

/**
 * What such an event says.
 *
 * @throws {SyntaxError} If it is no JSON object.
 */
export function readAnthropicEvent(event: Uint8Array): AnthropicEvent {
  return objectIn(JSON.parse(eventText(event)));
}

/** An object inside an event. @throws {SyntaxError} If it is none. */
export function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new SyntaxError("An event is none of Anthropic's: an object is missing in it");
}
