import { endsWith, indexOfBytes, startsWith } from "./bytes.ts";
import { dataAt } from "./data_line.ts";
import type { EventMeaning } from "./event_meaning.ts";

const encoder = new TextEncoder();
const LF = 10;
const CR = 13;
const EVENT = encoder.encode("event: ");
const TYPE = encoder.encode('"type":"');
const ERROR = encoder.encode('{"error"');
const DELTA = encoder.encode("delta");
const NOT_TOKENS = encoder.encode("message_delta");

/** The events that end an answer in a dialect that gives each event a type. */
export interface TypedEnds {
  /** Any of them means that the answer is whole. */
  readonly done: readonly string[];
  /** Any of them means that it failed. */
  readonly failed: readonly string[];
}

/** Reads what events mean whose type is told in an `event:` line, or as the first `type` of their JSON. */
export function typedMeaning({ done, failed }: TypedEnds): (event: Uint8Array) => EventMeaning {
  const [doneTypes, failedTypes] = [done, failed].map((types) => types.map((type) => encoder.encode(type)));
  return (event) => {
    const type = typeOf(event);
    const isOne = (types: readonly Uint8Array[]) =>
      types.some((one) => one.byteLength === type.byteLength && startsWith(type, 0, one));
    if (isOne(doneTypes!)) return "done";
    if (isOne(failedTypes!) || startsWith(event, dataAt(event), ERROR)) return "error";
    const isToken = endsWith(type, type.byteLength, DELTA) && !startsWith(type, 0, NOT_TOKENS);
    return isToken ? "token" : "other";
  };
}

function typeOf(event: Uint8Array): Uint8Array {
  for (let at = 0; at < event.byteLength;) {
    const next = event.indexOf(LF, at);
    const lineEnd = next < 0 ? event.byteLength : next;
    if (startsWith(event, at, EVENT)) {
      return event.subarray(at + EVENT.byteLength, event[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd);
    }
    at = lineEnd + 1;
  }
  const typeAt = indexOfBytes(event, TYPE, dataAt(event));
  if (typeAt < 0) return new Uint8Array(0);
  const from = typeAt + TYPE.byteLength;
  return event.subarray(from, event.indexOf(34, from));
}
