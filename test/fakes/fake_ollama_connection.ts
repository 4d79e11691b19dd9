import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import { FakeOllamaRequestReader } from "./fake_ollama_request.ts";

/** The server's end of one connection: one exchange after the other, for as long as the client wants. */
export class FakeOllamaConnection {
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  readonly #reader = new FakeOllamaRequestReader();
  #current: FakeOllamaExchange | undefined;

  /** Serves a socket; `onExchange` answers, and must not reject. */
  constructor(
    private readonly socket: Socket,
    private readonly onExchange: (exchange: FakeOllamaExchange) => Promise<void>,
  ) {
    socket.setNoDelay(true);
    socket.on("error", () => {}); // a reset; "close" follows
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("end", () => this.#current?.leave());
    this.closed = new Promise((resolve) =>
      socket.on("close", () => {
        this.#current?.leave();
        resolve();
      })
    );
  }

  /** Reads no more; the system goes on to take what comes. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Reads again. */
  readAgain(): void {
    this.socket.resume();
  }

  /** Closes at once. */
  destroy(): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#reader.push(bytes);
    if (this.#current === undefined) this.#serveNext();
  }

  #serveNext(): void {
    const request = this.#reader.next();
    if (request === undefined) return;
    this.#current = new FakeOllamaExchange(request, this.socket, (mayGoOn) => {
      this.#current = undefined;
      if (mayGoOn) this.#serveNext();
      else this.socket.end();
    });
    void this.onExchange(this.#current);
  }
}
