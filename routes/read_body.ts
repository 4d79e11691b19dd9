import type { Clock } from "../lib/clock.ts";
import { GatewayError } from "../lib/errors.ts";
import { joinBytes } from "../lib/join_bytes.ts";
import { formatBytes } from "../lib/units.ts";
import { chunksOf, inTime } from "./body_chunks.ts";

/** A body of which we know that it is not longer is read at once, which costs least, and has to come whole in time, bytes. */
const SHORT_BYTES = 64 * 1024;

/**
 * Reads a request's body whole.
 *
 * @param clock Measures how long nothing comes. Default: the host's.
 * @throws {GatewayError} `too_large` as soon as it is known to exceed `maxBytes`; `unsupported_encoding` if
 *   the body is compressed; `client_closed` if the client left; `request_timeout` if nothing
 *   came for too long.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  clock?: Clock,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new GatewayError(
      "unsupported_encoding",
      `The body is encoded as ${encoding}; send it uncompressed`,
    );
  }
  const declared = request.headers.get("content-length");
  const declaredBytes = declared === null ? Infinity : Number(declared);
  if (declared !== null && declaredBytes > maxBytes) throw tooLarge(maxBytes);
  if (declaredBytes <= SHORT_BYTES) {
    return new Uint8Array(await inTime(request, request.arrayBuffer(), { clock }));
  }
  return await readChunks(chunksOf(request, { clock }), maxBytes);
}

/** A body is gathered in blocks that grow with it up to this size, bytes: joined once, at its end. */
const LARGEST_BLOCK_BYTES = 256 * 1024;
const LEAST_BLOCK_BYTES = 4 * 1024;

/** Keeps copies: a piece of one byte that a client sends may be a view of 64 KiB. */
async function readChunks(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const blocks: Uint8Array[] = [];
  let [totalBytes, leftBytes] = [0, 0];
  for await (const chunk of chunks) {
    if (totalBytes + chunk.byteLength > maxBytes) throw tooLarge(maxBytes);
    for (let from = 0; from < chunk.byteLength;) {
      if (leftBytes === 0) {
        leftBytes = Math.min(LARGEST_BLOCK_BYTES, Math.max(LEAST_BLOCK_BYTES, totalBytes));
        blocks.push(new Uint8Array(leftBytes));
      }
      const block = blocks.at(-1)!;
      const part = chunk.subarray(from, from + leftBytes);
      block.set(part, block.byteLength - leftBytes);
      from += part.byteLength;
      leftBytes -= part.byteLength;
      totalBytes += part.byteLength;
    }
  }
  return joinBytes(blocks).subarray(0, totalBytes);
}

function tooLarge(maxBytes: number): GatewayError {
  const message = `The body is larger than ${formatBytes(maxBytes)}; send less, or raise limits.body`;
  return new GatewayError("too_large", message);
}
