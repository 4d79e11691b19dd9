import type { HttpBody } from "../http/client.ts";

/** A body of which each piece is told of as it is read. */
export class HeardBody implements HttpBody {
  /**
   * Reads nothing yet.
   *
   * @param onBytes Hears of each piece, and of the end. Must not throw.
   */
  constructor(private readonly body: HttpBody, private readonly onBytes: () => void) {}

  get framing(): HttpBody["framing"] {
    return this.body.framing;
  }

  get ended(): HttpBody["ended"] {
    return this.body.ended;
  }

  get trailers(): HttpBody["trailers"] {
    return this.body.trailers;
  }

  async read(): Promise<Uint8Array | null> {
    const bytes = await this.body.read();
    this.onBytes();
    return bytes;
  }

  async bytes(maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.body.bytes(maxBytes);
    this.onBytes();
    return bytes;
  }

  async text(maxBytes: number): Promise<string> {
    const text = await this.body.text(maxBytes);
    this.onBytes();
    return text;
  }

  cancel(): void {
    this.body.cancel();
  }
}
