import type { Connection } from "./connection.ts";
import { HttpLimitError, HttpSyntaxError } from "./error.ts";
import { headerValue } from "./headers.ts";
import type { HttpLimits } from "./limits.ts";
import { findHeadEnd, parseResponseHead, type ResponseHead } from "./response_head.ts";

/**
 * Reads the head of the final answer and leaves `connection.start` behind it. Interim answers are skipped.
 *
 * @returns Undefined if the peer closed the connection before the head was whole.
 * @throws {HttpSyntaxError | HttpLimitError} If what comes is no answer, or not one within the limits.
 */
export async function readFinalHead(
  connection: Connection,
  limits: HttpLimits,
): Promise<ResponseHead | undefined> {
  for (let interimCount = 0;; interimCount++) {
    const end = await findHead(connection, limits);
    if (end === -1) return undefined;
    const head = parseResponseHead(connection.buffer.subarray(connection.start, end), limits);
    connection.start = end;
    if (head.status >= 200) return head;
    refuseInterim(head);
    if (interimCount === limits.interimCount) {
      throw new HttpLimitError(`more than ${interimCount} interim answers came before it`);
    }
  }
}

/** Reads until a whole head lies behind `connection.start`; the offset of its end, or -1 if the peer closed before. */
async function findHead(connection: Connection, limits: HttpLimits): Promise<number> {
  for (let scannedBytes = 0;;) {
    const { buffer, start, end } = connection;
    const headEnd = findHeadEnd(buffer, start, start + scannedBytes, end);
    scannedBytes = end - start;
    if ((headEnd === -1 ? scannedBytes : headEnd - start) > limits.headBytes) {
      throw new HttpLimitError(`its head has more than ${limits.headBytes} bytes`);
    }
    if (headEnd !== -1) return headEnd;
    if (!(await connection.fill())) return -1;
  }
}

/** An interim answer has no body; one that announces it, or that ends HTTP, would make us misread what follows. */
function refuseInterim({ status, headers }: ResponseHead): void {
  if (status === 101) throw new HttpSyntaxError("it switches to another protocol, which was not asked for");
  for (const name of ["content-length", "transfer-encoding"]) {
    if (headerValue(headers, name) !== undefined) {
      throw new HttpSyntaxError(`an interim answer (${status}) has the header "${name}"`);
    }
  }
}
