import { GatewayError } from "../lib/errors.ts";
import { GrowingBytes } from "../lib/stream/growing_bytes.ts";
import { formatBytes } from "../lib/units.ts";

/**
 * Reads a request's body whole.
 *
 * @throws {GatewayError} `too_large` as soon as it is known to exceed `maxBytes`; `unsupported_encoding` if
 *   the body is compressed; `client_closed` if the client left.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new GatewayError(
      "unsupported_encoding",
      `The body is encoded as ${encoding}; send it uncompressed`,
    );
  }
  const declaredBytes = request.headers.get("content-length");
  if (declaredBytes !== null) {
    if (Number(declaredBytes) > maxBytes) throw tooLarge(maxBytes);
  }
  try {
    if (declaredBytes !== null) return new Uint8Array(await request.arrayBuffer());
    return request.body === null ? new Uint8Array(0) : await readChunks(request.body, maxBytes);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("client_closed", "The client left while it sent its request", { cause });
  }
}

/** Keeps copies: a piece of one byte that a client sends may be a view of 64 KiB. */
async function readChunks(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = new GrowingBytes(new Uint8Array(0));
  for await (const chunk of stream) {
    if (body.length + chunk.byteLength > maxBytes) throw tooLarge(maxBytes);
    body.append(chunk);
  }
  return body.append(new Uint8Array(0)).slice();
}

function tooLarge(maxBytes: number): GatewayError {
  const message = `The body is larger than ${formatBytes(maxBytes)}; send less, or raise limits.body`;
  return new GatewayError("too_large", message);
}
