import { Buffer } from "node:buffer";
import { HttpLimitError, HttpSyntaxError } from "./error.ts";
import { CR, isBlank, isFieldText, isToken, LF, trimBlanks } from "./grammar.ts";
import type { HeaderList } from "./headers.ts";
import type { HttpLimits } from "./limits.ts";

/** The status line and headers of an answer, final or interim. */
export interface ResponseHead {
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minorVersion: number;
  /** 100 to 599. */
  status: number;
  /** May be empty. */
  reason: string;
  /** In their order; names lower-case, values without blanks around them, octets as Latin-1. */
  headers: HeaderList;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d) (.*)$/;
const PREFIX = [..."HTTP/1."].map((char) => char.charCodeAt(0));

/**
 * Looks for the empty line that ends a head. Call it again with a larger `end` when more bytes came.
 *
 * @param start Where the head begins.
 * @param scanned Where an earlier call left off, else `start`: a head that trickles in is scanned once.
 * @returns The offset just behind the empty line, or -1 if it is not there yet.
 * @throws {HttpSyntaxError} As soon as the bytes cannot become a head: another protocol, a bare line feed.
 */
export function findHeadEnd(bytes: Uint8Array, start: number, scanned: number, end: number): number {
  for (let at = scanned; at < end; at++) {
    if (at - start < PREFIX.length && bytes[at] !== PREFIX[at - start]) {
      throw new HttpSyntaxError(
        "it does not begin with HTTP/1.0 or HTTP/1.1: another protocol may be spoken there",
      );
    }
    if (bytes[at] !== LF) continue;
    if (bytes[at - 1] !== CR) throw new HttpSyntaxError("a line of its head ends in a bare line feed");
    if (bytes[at - 2] === LF) return at + 1;
  }
  return -1;
}

/**
 * Parses a whole head, as {@linkcode findHeadEnd} delimited it. Strict where leniency lets two readers disagree
 * about where an answer ends: no folded lines, no blank before the colon, no control octets.
 *
 * @throws {HttpSyntaxError} If it is malformed.
 * @throws {HttpLimitError} If the status line is too long or there are too many headers.
 * @see RFC 9112 sections 4 and 5
 */
export function parseResponseHead(bytes: Uint8Array, limits: HttpLimits): ResponseHead {
  const text = latin1(bytes);
  const lineEnd = text.indexOf("\r\n");
  if (lineEnd > limits.statusLineBytes) {
    throw new HttpLimitError(`its status line has ${lineEnd} bytes, ${limits.statusLineBytes} are allowed`);
  }
  const match = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (!match || !isFieldText(match[3]!)) throw new HttpSyntaxError("its status line is malformed");
  return {
    minorVersion: Number(match[1]),
    status: Number(match[2]),
    reason: match[3]!,
    headers: parseLines(text, lineEnd + 2, limits),
  };
}

/**
 * Parses header lines up to and with the empty line behind them: the trailers of a chunked body.
 *
 * @throws {HttpSyntaxError} If a line is malformed.
 * @throws {HttpLimitError} If there are too many.
 */
export function parseHeaderLines(bytes: Uint8Array, limits: HttpLimits): HeaderList {
  return parseLines(latin1(bytes), 0, limits);
}

function parseLines(text: string, from: number, limits: HttpLimits): HeaderList {
  const headers: [string, string][] = [];
  for (let lineStart = from;;) {
    const lineEnd = text.indexOf("\r\n", lineStart);
    if (lineEnd === lineStart) return headers;
    if (headers.length === limits.headerCount) {
      throw new HttpLimitError(`it has more than ${limits.headerCount} header lines`);
    }
    headers.push(parseLine(text.slice(lineStart, lineEnd)));
    lineStart = lineEnd + 2;
  }
}

function parseLine(line: string): [name: string, value: string] {
  if (isBlank(line.charCodeAt(0))) throw new HttpSyntaxError("it has a folded header line");
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!isToken(name)) throw new HttpSyntaxError("it has a header line without a proper name");
  const value = line.slice(colon + 1);
  if (!isFieldText(value)) throw new HttpSyntaxError(`its header "${name}" holds a control character`);
  return [name.toLowerCase(), trimBlanks(value)];
}

/** One character an octet. `TextDecoder("latin1")` is windows-1252 and four times slower. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
