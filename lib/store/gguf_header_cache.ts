import type { GgufHeader } from "../gguf/header.ts";

/**
 * Headers of files that have not changed since they were read. Bounded: the least recently used one goes first.
 *
 * A file is the same while its device, inode, size and time of modification are, under whatever path.
 */
export class GgufHeaderCache {
  readonly #headers = new Map<string, GgufHeader>();
  readonly #capacity: number;

  /** Keeps up to `capacity` headers; 64 unless told. One takes some 300 kB. */
  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  /** The header of the file with this `stat`, if it is known. */
  get(info: Deno.FileInfo): GgufHeader | undefined {
    const identity = identityOf(info);
    const header = this.#headers.get(identity);
    if (header) this.#moveToEnd(identity, header);
    return header;
  }

  /** Remembers the header of the file that had this `stat` before it was read. */
  set(info: Deno.FileInfo, header: GgufHeader): void {
    this.#moveToEnd(identityOf(info), header);
    const [oldest] = this.#headers.keys();
    if (this.#headers.size > this.#capacity) this.#headers.delete(oldest!);
  }

  #moveToEnd(identity: string, header: GgufHeader): void {
    this.#headers.delete(identity);
    this.#headers.set(identity, header);
  }
}

function identityOf({ dev, ino, size, mtime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime()].join(":");
}
