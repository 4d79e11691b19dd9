import { joinBytes } from "../join_bytes.ts";
import { lastIndexOfBytes, startsWith } from "../stream/bytes.ts";
import { encodeSseJson } from "../stream/sse_event.ts";

/** Where a request went, as an answer tells its client in the field `_routing`. */
export interface RoutingNote {
  /** `ollama-pool`: an Ollama node answered; `llama.cpp-distributed`: a coordinator did. */
  readonly backend: "ollama-pool" | "llama.cpp-distributed";
  /** The node's name, if one answered. */
  readonly node?: string;
  /** Where the coordinator is, if one answered that has an address. */
  readonly coordinator_url?: string;
  /** The model that answered, if it is called otherwise there. */
  readonly model?: string;
  /** Upstreams that were asked. */
  readonly attempts: number;
  /** Waited for others' work, ms. */
  readonly queue_ms: number;
  /** Waited for the model to load, ms. */
  readonly load_ms: number;
  /** From the request's arrival until now, ms. */
  readonly duration_ms: number;
  /** Why it went there, one sentence. */
  readonly because: string;
}

const LINE_FEED = 0x0a;
const CLOSING_BRACE = 0x7d;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const DONE = encoder.encode("data: [DONE]");
const DONE_KEY = encoder.encode('"done":');
const TRUE = encoder.encode("true");

/** The JSON object of a body with `_routing` as its last field; a body that is none stays as it is. */
export function withRouting(body: Uint8Array, note: RoutingNote): Uint8Array {
  const at = body.lastIndexOf(CLOSING_BRACE);
  if (at < 0 || body.byteLength === 0) return body;
  const before = decoder.decode(body.subarray(0, at)).trimEnd();
  if (!before.trimStart().startsWith("{")) return body;
  const separator = before.endsWith("{") ? "" : ",";
  const field = encoder.encode(`${separator}"_routing":${JSON.stringify(note)}`);
  return joinBytes([body.subarray(0, at), field, body.subarray(at)]);
}

/** The event that tells it in a stream: a chunk without choices, as the one that tells the usage. */
function routingEvent(note: RoutingNote): Uint8Array<ArrayBuffer> {
  return encodeSseJson({ object: "chat.completion.chunk", choices: [], _routing: note });
}

/** Whole events with one more in front of the final `[DONE]`; `undefined` if that is not among them. */
export function withRoutingEvent(
  events: Uint8Array,
  note: () => RoutingNote,
): Uint8Array<ArrayBuffer> | undefined {
  const at = indexOfDone(events);
  if (at < 0) return undefined;
  return joinBytes([events.subarray(0, at), routingEvent(note()), events.subarray(at)]);
}

/** Whole lines of Ollama's with it in the last one; `undefined` if that does not end the answer. */
export function withRoutingLine(
  lines: Uint8Array,
  note: () => RoutingNote,
): Uint8Array<ArrayBuffer> | undefined {
  const at = lines.lastIndexOf(LINE_FEED, lines.byteLength - 2) + 1;
  const last = lines.subarray(at);
  return isLastLine(last) ? joinBytes([lines.subarray(0, at), withRouting(last, note())]) : undefined;
}

/** The message, whose tool calls may hold any keys, stands before it. */
function isLastLine(line: Uint8Array): boolean {
  const doneAt = lastIndexOfBytes(line, DONE_KEY);
  return doneAt >= 0 && startsWith(line, doneAt + DONE_KEY.byteLength, TRUE);
}

/** It is the last of a stream's events, so it stands near the end. */
function indexOfDone(events: Uint8Array): number {
  const least = Math.max(0, events.byteLength - DONE.byteLength - 8);
  for (let at = events.byteLength - DONE.byteLength; at >= least; at--) {
    const isLine = at <= 0 || events[at - 1] === LINE_FEED;
    if (isLine && DONE.every((byte, index) => events[at + index] === byte)) return at;
  }
  return -1;
}
