/** How a raw connection ended. */
export type RawEnd = "closed" | "reset";

/** What came over a raw connection until it ended. */
export interface RawAnswer {
  readonly text: string;
  readonly end: RawEnd;
}

/** A client that speaks HTTP by hand, and sees how its connection ends. */
export class RawClient implements Disposable {
  /** What has come so far. */
  text = "";
  /** Resolves when the connection has ended; never rejects. */
  readonly ended: Promise<RawEnd>;
  readonly #connection: Deno.TcpConn;
  #isOpen = true;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.ended = this.#read();
  }

  /** Connects. */
  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Asks one thing on a connection of its own, and reads until that ends. */
  static async ask(port: number, path: string, body?: unknown): Promise<RawAnswer> {
    using client = await RawClient.connect(port);
    await client.send(path, body);
    const end = await client.ended;
    return { text: client.text, end };
  }

  /** Sends a request, after which the server is to close; a POST if it has a body. */
  async send(path: string, body?: unknown): Promise<void> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const head = `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1\r\nHost: localhost\r\n`;
    const bytes = new TextEncoder().encode(
      `${head}Connection: close\r\nContent-Length: ${
        new TextEncoder().encode(text).byteLength
      }\r\n\r\n${text}`,
    );
    for (let sent = 0; sent < bytes.byteLength;) sent += await this.#connection.write(bytes.subarray(sent));
  }

  /** Leaves. */
  [Symbol.dispose](): void {
    if (this.#isOpen) this.#connection.close();
    this.#isOpen = false;
  }

  async #read(): Promise<RawEnd> {
    const chunk = new Uint8Array(64 * 1024);
    const decoder = new TextDecoder("latin1");
    try {
      for (let count = await this.#connection.read(chunk); count !== null;) {
        this.text += decoder.decode(chunk.subarray(0, count));
        count = await this.#connection.read(chunk);
      }
      return "closed";
    } catch (error) {
      return error instanceof Deno.errors.ConnectionReset ? "reset" : "closed"; // else we left
    }
  }
}
