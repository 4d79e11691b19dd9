const LF = 10;
const CR = 13;
const DATA = new TextEncoder().encode("data:");
const DONE = new TextEncoder().encode("[DONE]");
const ERROR = new TextEncoder().encode('{"error"');
const COLON = 58;
const QUOTE = 34;
/** Keys of a text that a model generated. */
const TEXT_KEYS = ['"content"', '"reasoning_content"', '"reasoning"', '"text"'].map((key) =>
  new TextEncoder().encode(key)
);
const TOOL_CALLS_KEY = new TextEncoder().encode('"tool_calls"');
const TOOL_CALLS = new TextEncoder().encode("[{");
const NOTHING = new Uint8Array(0);

/** The longest event that is held back until it is whole, bytes. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/**
 * Watches a server-sent event stream that passes through byte for byte.
 *
 * It hands on whole events only, so that a stream which breaks in the middle of one never leaves a client
 * with half a JSON object; and it knows what a byte-idle timeout cannot: how many `data:` events there were
 * (comment lines are pings, not progress) and whether the stream ended as the OpenAI dialect says it must.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class SseWatch {
  /** `data:` events seen whole. Comments and pings do not count. */
  dataEventCount = 0;
  /** Of these, chunks that carry generated text, reasoning or a tool call: as good as always one token each. */
  tokenCount = 0;
  /** The terminal `data: [DONE]` was seen. */
  isDone = false;
  /** The upstream itself told of an error inside the stream (`data: {"error"…`). */
  hasError = false;

  #pending: Uint8Array = NOTHING;

  /** Bytes of an event that has begun and not ended. */
  get pendingBytes(): number {
    return this.#pending.byteLength;
  }

  /**
   * Takes the next bytes from the upstream.
   *
   * @returns All whole events so far not handed on, unchanged; empty while an event is incomplete. The very
   *   same array as `chunk` in the usual case that it holds whole events.
   * @throws {RangeError} If one event exceeds 4 MiB.
   */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#pending.byteLength === 0 ? chunk : concat(this.#pending, chunk);
    const wholeBytes = this.#scan(bytes);
    if (wholeBytes === bytes.byteLength) {
      this.#pending = NOTHING;
      return bytes;
    }
    if (bytes.byteLength - wholeBytes > MAX_EVENT_BYTES) {
      throw new RangeError(`Cannot pass on an event of more than ${MAX_EVENT_BYTES} bytes`);
    }
    this.#pending = bytes.slice(wholeBytes);
    return bytes.subarray(0, wholeBytes);
  }

  /** Counts the events in `bytes`; returns the offset behind the last blank line. */
  #scan(bytes: Uint8Array): number {
    let lineStart = 0;
    let eventEnd = 0;
    let hasData = false;
    for (;;) {
      const lineEnd = bytes.indexOf(LF, lineStart);
      if (lineEnd < 0) return eventEnd;
      const isBlank = lineEnd === lineStart || (lineEnd === lineStart + 1 && bytes[lineStart] === CR);
      if (!isBlank) {
        if (startsWith(bytes, lineStart, DATA)) hasData = true;
      } else {
        if (hasData) this.#judge(bytes.subarray(eventEnd, lineEnd));
        hasData = false;
        eventEnd = lineEnd + 1;
      }
      lineStart = lineEnd + 1;
    }
  }

  #judge(event: Uint8Array): void {
    this.dataEventCount++;
    let valueAt = indexOfDataLine(event) + DATA.byteLength;
    if (event[valueAt] === 32) valueAt++;
    if (startsWith(event, valueAt, DONE)) this.isDone = true;
    else if (startsWith(event, valueAt, ERROR)) this.hasError = true;
    else if (isTokenChunk(event)) this.tokenCount++;
  }
}

/**
 * Whether a chunk of a chat or a completion carries a token, without parsing it. A quote inside JSON text stands behind a backslash, so what
 * a model writes is never taken for a key.
 */
function isTokenChunk(event: Uint8Array): boolean {
  for (let at = event.indexOf(COLON); at >= 0; at = event.indexOf(COLON, at + 1)) {
    if (event[at - 1] !== QUOTE) continue;
    const valueAt = event[at + 1] === 32 ? at + 2 : at + 1;
    if (endsWith(event, at, TOOL_CALLS_KEY) && startsWith(event, valueAt, TOOL_CALLS)) return true;
    const isText = event[valueAt] === QUOTE && event[valueAt + 1] !== QUOTE;
    if (isText && TEXT_KEYS.some((key) => endsWith(event, at, key))) return true;
  }
  return false;
}

/** Offset of the first `data:` line; the caller knows that there is one. */
function indexOfDataLine(event: Uint8Array): number {
  for (let at = 0;; at = event.indexOf(LF, at) + 1) {
    if (startsWith(event, at, DATA)) return at;
  }
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let i = 0; i < prefix.byteLength; i++) {
    if (bytes[at + i] !== prefix[i]) return false;
  }
  return true;
}

function endsWith(bytes: Uint8Array, end: number, suffix: Uint8Array): boolean {
  return startsWith(bytes, end - suffix.byteLength, suffix);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.byteLength + b.byteLength);
  joined.set(a);
  joined.set(b, a.byteLength);
  return joined;
}
