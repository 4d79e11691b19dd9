import { setTimeout as delay } from "node:timers/promises";

/** How long a test waits for what has to come, ms. */
const PATIENCE_MS = 20_000;

/** One connection, byte by byte. */
export class Wire implements Disposable {
  /** What has come so far. */
  text = "";
  /** Resolves when the other side has closed it, or it broke; never rejects. */
  readonly ended: Promise<void>;
  /** Whether it has. */
  isEnded = false;
  #isPaused = false;
  #resume = () => {};

  private constructor(private readonly connection: Deno.TcpConn) {
    this.ended = this.#read();
  }

  /** Connects, and sends something if there is something. */
  static async connect(port: number, text = ""): Promise<Wire> {
    const wire = new Wire(await Deno.connect({ hostname: "127.0.0.1", port }));
    await wire.write(text);
    return wire;
  }

  /** The client's own port. */
  get port(): number {
    return this.connection.localAddr.port;
  }

  /** Sends. */
  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let sent = 0; sent < bytes.byteLength;) sent += await this.connection.write(bytes.subarray(sent));
  }

  /** Reads no more than the kernel does, until {@linkcode resume}. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Reads again. */
  resume(): void {
    this.#isPaused = false;
    this.#resume();
  }

  /** Says that nothing more is sent, and reads on. */
  async endSending(): Promise<void> {
    await this.connection.closeWrite();
  }

  /** Waits until something has come. @throws If it does not, or the connection ends before. */
  async until(pattern: RegExp): Promise<void> {
    await until(() => {
      if (pattern.test(this.text)) return true;
      if (this.isEnded) {
        throw new Error(`The connection ended after ${JSON.stringify(this.text.slice(0, 500))}`);
      }
      return false;
    }, () => `${pattern} in ${JSON.stringify(this.text.slice(0, 500))}`);
  }

  /** Leaves. */
  [Symbol.dispose](): void {
    this.resume();
    try {
      this.connection.close();
    } catch {
      // it broke before
    }
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    const decoder = new TextDecoder("latin1");
    try {
      for (;;) {
        if (this.#isPaused) await new Promise<void>((resolve) => this.#resume = resolve);
        const count = await this.connection.read(chunk);
        if (count === null) break;
        this.text += decoder.decode(chunk.subarray(0, count));
      }
    } catch {
      // reset, or we left
    }
    this.isEnded = true;
  }
}

/** Waits until something holds. @throws If it does not come to hold. */
export async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const byMs = performance.now() + PATIENCE_MS;
  while (!await holds()) {
    if (performance.now() > byMs) throw new Error(`Waited in vain for ${what()}`);
    await delay(5);
  }
}

/** The head of a GET; of the last one on a connection, with `close`. */
export function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}
