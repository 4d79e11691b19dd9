import { GatewayError } from "../lib/errors.ts";
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

async function readChunks(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  for await (const chunk of stream) {
    totalBytes += chunk.byteLength;
    if (totalBytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const body = new Uint8Array(totalBytes);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

function tooLarge(maxBytes: number): GatewayError {
  const message = `The body is larger than ${formatBytes(maxBytes)}; send less, or raise limits.body`;
  return new GatewayError("too_large", message);
}
