import type { Connection } from "./connection.ts";
import type { StreamedBody } from "./request_head.ts";

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/**
 * Writes a body piece by piece. A source that fails, or has another length than it said, closes the connection: the
 * upstream must not take for whole what is not.
 *
 * @throws What the connection says.
 */
export async function writeStreamed(
  connection: Pick<Connection, "writeAll" | "close" | "isClosed">,
  { pieces, lengthBytes }: StreamedBody,
): Promise<void> {
  let sentBytes = 0;
  for await (const piece of closingOnFailure(pieces, connection)) {
    if (piece.byteLength === 0) continue; // as a chunk it would be the last one
    sentBytes += piece.byteLength;
    if (sentBytes > (lengthBytes ?? Infinity)) return connection.close(wrongLength(sentBytes, lengthBytes!));
    if (lengthBytes === undefined) await writeChunk(connection, piece);
    else await connection.writeAll(piece);
  }
  if (lengthBytes === undefined) await connection.writeAll(LAST_CHUNK);
  else if (sentBytes < lengthBytes) connection.close(wrongLength(sentBytes, lengthBytes));
}

async function* closingOnFailure(
  pieces: AsyncIterable<Uint8Array>,
  connection: Pick<Connection, "close">,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* pieces;
  } catch (error) {
    connection.close(error);
    throw error;
  }
}

async function writeChunk(connection: Pick<Connection, "writeAll">, piece: Uint8Array): Promise<void> {
  await connection.writeAll(encoder.encode(`${piece.byteLength.toString(16)}\r\n`));
  await connection.writeAll(piece);
  await connection.writeAll(CRLF);
}

function wrongLength(sentBytes: number, lengthBytes: number): RangeError {
  return new RangeError(`The body was to have ${lengthBytes} bytes, and has ${sentBytes} or more`);
}
