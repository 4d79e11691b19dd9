/** Bytes that can be read at any offset: a file, a range of a blob, an array. */
export interface ByteSource {
  /** Length of the whole, known before the first read. */
  readonly sizeBytes: number;
  /**
   * Fills the front of `into` with the bytes from `offset` on.
   *
   * @returns How many bytes were read; fewer than asked for is no end, 0 is.
   */
  read(offset: number, into: Uint8Array): Promise<number>;
}

/** A source over bytes in memory; it does not copy them. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read(offset, into): Promise<number> {
      const found = bytes.subarray(offset, offset + into.byteLength);
      into.set(found);
      return Promise.resolve(found.byteLength);
    },
  };
}
