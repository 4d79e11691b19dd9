/** What a connection needs of a socket: `Deno.Conn` has it. */
export interface ByteStream {
  /** Resolves to the count of bytes read, or null when the peer closed. Rejects once the stream is closed. */
  read(into: Uint8Array): Promise<number | null>;
  /** Resolves to the count of bytes written, at least 1. Rejects once the stream is closed. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions; called once. */
  close(): void;
}

const BUFFER_BYTES = 32 * 1024;
const OUTBOX_BYTES = 4 * 1024;

/**
 * One open connection and its only read buffer: the bytes from `start` to `end` have been read but not used.
 * It belongs to one owner at a time, an exchange or the pool, who is told by {@linkcode onClose}.
 */
export class Connection {
  /** What has been read. Replaced when a head needs more room; never keep a reference over a {@linkcode fill}. */
  buffer: Uint8Array = new Uint8Array(BUFFER_BYTES);
  /** Offset of the first byte that is not used. */
  start = 0;
  /** Offset behind the last byte that was read. */
  end = 0;
  /** Whether a byte came since its owner has it. */
  hasReceived = false;
  /** Room for a request that is small, so that it need not be allocated. Free when nothing is being written. */
  readonly outbox: Uint8Array = new Uint8Array(OUTBOX_BYTES);
  /** Called once, at the first {@linkcode close}. */
  onClose: (() => void) | undefined;
  /** Whether it has carried a request before. */
  isReused = false;
  /** What the first {@linkcode close} gave as its reason. */
  closedBecause: unknown;
  #isClosed = false;
  #isIdle = false;
  #idleRead: Promise<number | null> | undefined;
  readonly #stream: ByteStream;

  /**
   * Takes over an open stream.
   *
   * @param address For error sentences, and the pool.
   * @param isEncrypted A failed write may have sent some of its bytes; on a plain socket it has sent none.
   */
  constructor(stream: ByteStream, readonly address: string, readonly isEncrypted: boolean = false) {
    this.#stream = stream;
  }

  /** Whether {@linkcode close} was called. A close by the peer shows only in {@linkcode fill}. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reads once, behind `end`; false if the peer closed. Rejects when the connection breaks or is closed. */
  async fill(): Promise<boolean> {
    if (this.start === this.end) this.start = this.end = 0;
    else if (this.end === this.buffer.byteLength) this.#makeRoom();
    const reading = this.#idleRead ??
      this.#stream.read(this.end === 0 ? this.buffer : this.buffer.subarray(this.end));
    this.#idleRead = undefined;
    const count = await reading;
    if (count === null) return false;
    this.end += count;
    return this.hasReceived = true;
  }

  /** Writes once; resolves to the count of bytes that the system took. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#stream.write(bytes);
  }

  /** Writes all of the bytes. */
  async writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) at += await this.#stream.write(bytes.subarray(at));
  }

  /**
   * Between two requests: keeps a read pending, so that the peer's close is seen at once. An idle peer has nothing
   * to say; if it sends a byte, that belongs to no request and the connection is closed too.
   */
  rest(): void {
    this.start = this.end = 0;
    this.#isIdle = true;
    this.#idleRead = this.#stream.read(this.buffer);
    const gone = (): void => {
      if (this.#isIdle) this.close();
    };
    this.#idleRead.then(gone, gone);
  }

  /** Ends {@linkcode rest}: the read that is pending becomes the first of the next answer. */
  wake(): void {
    this.#isIdle = false;
    this.isReused = true;
    this.hasReceived = false;
  }

  /** Closes at once, in both directions; what is pending rejects. Only the first call counts. */
  close(because?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.closedBecause = because;
    this.#stream.close();
    this.onClose?.();
  }

  #makeRoom(): void {
    const room = this.start > 0 ? this.buffer : new Uint8Array(this.buffer.byteLength * 2);
    room.set(this.buffer.subarray(this.start, this.end));
    this.buffer = room;
    this.end -= this.start;
    this.start = 0;
  }
}
