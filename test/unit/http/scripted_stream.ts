import type { ByteStream } from "../../../lib/http/connection.ts";

/** Plays an upstream without a socket: each read gets (part of) one piece, then null; all that is written is kept. */
export class ScriptedStream implements ByteStream {
  readonly written: Uint8Array[] = [];
  isClosed = false;
  readonly #pieces: Uint8Array[];

  constructor(pieces: Uint8Array[]) {
    this.#pieces = pieces.filter((piece) => piece.byteLength > 0);
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.isClosed) return Promise.reject(new Deno.errors.BadResource("closed"));
    const piece = this.#pieces.shift();
    if (!piece) return Promise.resolve(null);
    const count = Math.min(piece.byteLength, into.byteLength);
    into.set(piece.subarray(0, count));
    if (count < piece.byteLength) this.#pieces.unshift(piece.subarray(count));
    return Promise.resolve(count);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.isClosed) return Promise.reject(new Deno.errors.BadResource("closed"));
    this.written.push(bytes.slice());
    return Promise.resolve(bytes.byteLength);
  }

  close(): void {
    if (this.isClosed) throw new Deno.errors.BadResource("closed twice");
    this.isClosed = true;
  }
}
