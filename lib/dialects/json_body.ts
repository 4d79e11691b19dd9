import { GatewayError, messageOf } from "../errors.ts";

/** Nobody's schema is nested deeper; what is would exhaust the stack of whoever walks it, ours or an upstream's. */
const MAX_DEPTH = 200;
const BYTE_ORDER_MARK = "\ufeff";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the JSON object that a client sent.
 *
 * @param wanted What it is to hold, such as `a model and messages`.
 * @throws {GatewayError} `invalid_request` if it is empty, not UTF-8, not JSON, no object, or nested deeper than 200.
 */
export function readJsonBody(body: Uint8Array, wanted: string): Readonly<Record<string, unknown>> {
  if (body.byteLength === 0) throw refusal(`missing request body; send a JSON object with ${wanted}`);
  const value = parse(decode(body));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal(`The body must be a JSON object with ${wanted}`);
  }
  if (depthOf(body) > MAX_DEPTH) {
    throw refusal(`The body is nested deeper than ${MAX_DEPTH}; send flatter JSON`);
  }
  requireOneModel(value);
  return value as Record<string, unknown>;
}

/**
 * Ollama reads names of fields without regard to case, and the last one counts: one that is passed on to a node as it is
 * could name another model there than the one that was chosen, and allowed, here.
 */
function requireOneModel(object: object): void {
  const other = Object.keys(object).find((key) => key !== "model" && /^model$/i.test(key));
  if (other !== undefined) throw refusal(`Write "model" in lower case, got "${other}"`, undefined, other);
}

function decode(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw refusal("The body is not valid UTF-8; send JSON encoded as UTF-8", cause);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = text.startsWith(BYTE_ORDER_MARK) ? "it begins with a byte order mark" : messageOf(cause);
    throw refusal(`The body is not valid JSON: ${detail}`, cause);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** How deep the objects and lists of JSON stand in each other. Walks the bytes: a walk of the values would need the stack. */
function depthOf(json: Uint8Array): number {
  let [depth, deepest] = [0, 0];
  for (let at = 0; at < json.byteLength; at++) {
    const byte = json[at]!;
    if (byte === QUOTE) at = endOfText(json, at);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
  return deepest;
}

/** The closing quote of the text that begins at `start`; the end of all where there is none. */
function endOfText(json: Uint8Array, start: number): number {
  for (let at = json.indexOf(QUOTE, start + 1); at >= 0; at = json.indexOf(QUOTE, at + 1)) {
    let first = at;
    while (json[first - 1] === BACKSLASH) first--;
    if ((at - first) % 2 === 0) return at;
  }
  return json.byteLength;
}

function refusal(message: string, cause?: unknown, field?: string): GatewayError {
  return new GatewayError("invalid_request", message, { cause, ...(field !== undefined && { field }) });
}
