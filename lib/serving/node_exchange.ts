import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { once } from "node:events";

/** Statuses whose answers have no body. */
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * A request that Node's server has read the head of. Its body comes as it is read; its signal aborts when the client leaves.
 *
 * @returns `undefined` if the head makes no request, such as by its URL, or a method that a `Request` may not have.
 */
export function toRequest(incoming: IncomingMessage, left: AbortSignal): Request | undefined {
  const method = incoming.method ?? "GET";
  const target = incoming.url ?? "/";
  const host = incoming.headers.host ?? "localhost";
  const url = URL.parse(target.startsWith("/") ? `http://${host}${target}` : target);
  if (!url) return undefined;
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!);
  }
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
  const mayHaveBody = method !== "GET" && method !== "HEAD";
  const body = hasBody && mayHaveBody ? Readable.toWeb(incoming) as ReadableStream<Uint8Array> : null;
  try {
    return new Request(url, { method, headers, body, signal: left });
  } catch {
    return undefined;
  }
}

/**
 * Sends an answer, no faster than its client reads it.
 *
 * @param left Aborts when the client has left: nothing more is taken of the answer then.
 * @throws What the answer's body throws: the connection is broken then, as the client has to see that the end is missing.
 */
export async function sendResponse(
  outgoing: ServerResponse,
  response: Response,
  left: AbortSignal,
): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (!response.body || outgoing.req.method === "HEAD" || WITHOUT_BODY.has(response.status)) {
    outgoing.end();
    void response.body?.cancel().catch(() => {}); // whoever made it has to see to that
    return;
  }
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  left.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || left.aborted) break;
      if (!outgoing.write(value)) await once(outgoing, "drain", { signal: left });
    }
    outgoing.end();
  } catch (error) {
    cancel();
    outgoing.destroy();
    if (!left.aborted) throw error;
  } finally {
    left.removeEventListener("abort", cancel);
  }
}
