import { Buffer } from "node:buffer";

/** A request as it came over a connection. */
export interface ReceivedOllamaRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whole, as text. */
  readonly body: string;
}

/** Cuts what comes over one connection into requests. */
export class FakeOllamaRequestReader {
  #unread: Buffer = Buffer.alloc(0);

  /** Takes the next bytes of the connection. */
  push(bytes: Buffer): void {
    this.#unread = this.#unread.byteLength === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
  }

  /** The next request; `undefined` until it is whole. */
  next(): ReceivedOllamaRequest | undefined {
    const headEnd = this.#unread.indexOf("\r\n\r\n");
    if (headEnd < 0) return undefined;
    const [line = "", ...fields] = this.#unread.toString("latin1", 0, headEnd).split("\r\n");
    const headers = Object.fromEntries(fields.map(readField));
    const body = this.#bodyFrom(headEnd + 4, headers);
    if (body === undefined) return undefined;
    this.#unread = this.#unread.subarray(body.end);
    const [method = "", target = ""] = line.split(" ");
    return { method, path: target.split("?")[0]!, headers, body: body.text };
  }

  #bodyFrom(start: number, headers: Record<string, string>): { text: string; end: number } | undefined {
    if (headers["transfer-encoding"] !== undefined) return this.#chunksFrom(start);
    const end = start + Number(headers["content-length"] ?? 0);
    if (this.#unread.byteLength < end) return undefined;
    return { text: this.#unread.toString("utf8", start, end), end };
  }

  #chunksFrom(start: number): { text: string; end: number } | undefined {
    const chunks: Buffer[] = [];
    for (let at = start;;) {
      const lineEnd = this.#unread.indexOf("\r\n", at);
      if (lineEnd < 0) return undefined;
      const size = parseInt(this.#unread.toString("latin1", at, lineEnd), 16);
      at = lineEnd + 2 + size + 2;
      if (this.#unread.byteLength < at) return undefined;
      if (size === 0) return { text: Buffer.concat(chunks).toString(), end: at };
      chunks.push(this.#unread.subarray(lineEnd + 2, at - 2));
    }
  }
}

function readField(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
