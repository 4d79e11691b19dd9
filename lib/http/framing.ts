import { HttpSyntaxError } from "./error.ts";
import { headerValue, listedTokens } from "./headers.ts";
import type { ResponseHead } from "./response_head.ts";

/** How the end of a body is known: there is none, by its length, by the last chunk, or only by the peer's close. */
export type Framing = "none" | "length" | "chunked" | "close";

/** What a head says about the bytes behind it. */
export interface BodyPlan {
  /** How its end is known. */
  framing: Framing;
  /** Bytes of a body framed by `length`, else 0. */
  lengthBytes: number;
  /** How long the connection may stay idle and then carry another request: 0 for not at all. */
  reusableMs: number;
}

/** Servers close an idle connection after the time they announce; stop using it this much earlier. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/**
 * Decides where an answer ends. Whatever two readers could see in two ways is refused: that is how
 * one client's answer would be handed to another.
 *
 * @param method Of the request: an answer to `HEAD` has no body, whatever it says.
 * @throws {HttpSyntaxError} If length and coding contradict each other, or one is not understood.
 * @see RFC 9112 section 6.3
 */
export function planBody(method: string, head: ResponseHead): BodyPlan {
  const chunked = isChunked(head);
  const lengthBytes = contentLength(head);
  if (chunked && lengthBytes !== undefined) {
    throw new HttpSyntaxError("it has both Content-Length and Transfer-Encoding");
  }
  const reusableMs = reusableFor(head);
  if (method === "HEAD" || head.status === 304) return { framing: "none", lengthBytes: 0, reusableMs };
  if (head.status === 204) {
    // Announcing a body here is a mistake; if it follows all the same it must not answer the next request.
    const announced = chunked || (lengthBytes ?? 0) > 0;
    return { framing: "none", lengthBytes: 0, reusableMs: announced ? 0 : reusableMs };
  }
  if (chunked) return { framing: "chunked", lengthBytes: 0, reusableMs };
  if (lengthBytes === undefined) return { framing: "close", lengthBytes: 0, reusableMs: 0 };
  return { framing: lengthBytes === 0 ? "none" : "length", lengthBytes, reusableMs };
}

function isChunked(head: ResponseHead): boolean {
  const coding = headerValue(head.headers, "transfer-encoding");
  if (coding === undefined) return false;
  if (head.minorVersion === 0) {
    throw new HttpSyntaxError("it has Transfer-Encoding, which HTTP/1.0 does not know");
  }
  if (coding.toLowerCase() !== "chunked") {
    throw new HttpSyntaxError(`its Transfer-Encoding is "${coding}", only "chunked" is understood`);
  }
  return true;
}

function contentLength(head: ResponseHead): number | undefined {
  let first: string | undefined;
  for (const [name, value] of head.headers) {
    if (name !== "content-length") continue;
    if (first !== undefined && first !== value) {
      throw new HttpSyntaxError("it has two different Content-Lengths");
    }
    first = value;
  }
  if (first === undefined) return undefined;
  if (!/^\d+$/.test(first)) throw new HttpSyntaxError(`its Content-Length is "${first}", not a number`);
  const bytes = Number(first);
  if (!Number.isSafeInteger(bytes)) throw new HttpSyntaxError("its Content-Length is above 2⁵³");
  return bytes;
}

function reusableFor(head: ResponseHead): number {
  if (head.minorVersion === 0) return 0;
  if (listedTokens(headerValue(head.headers, "connection")).includes("close")) return 0;
  const announced = /(?:^|[\s,])timeout=(\d{1,9})/i.exec(headerValue(head.headers, "keep-alive") ?? "");
  return announced ? Math.max(0, Number(announced[1]) * 1_000 - KEEP_ALIVE_MARGIN_MS) : Infinity;
}
