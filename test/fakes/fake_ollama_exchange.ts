import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { ReceivedOllamaRequest } from "./fake_ollama_request.ts";

/** How well an answer is framed. */
export type AnswerFraming =
  /** As HTTP wants it. */
  | "sound"
  /** The length says more than comes; then the connection closes. */
  | "announces_more"
  /** The last chunk does not come; the connection closes. */
  | "without_end"
  /** 1 MB of headers. */
  | "huge_head"
  /** The first half of the body, in a sound frame. */
  | "half";

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  302: "Found",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** More than there is, of a length that lies. */
const MISSING_BYTE_COUNT = 1_000;
/** 256 headers of 4 KiB: each for itself is small. */
const HUGE_HEADERS = Array.from({ length: 256 }, (_, index) => `X-Filler-${index}: ${"x".repeat(4_096)}\r\n`);

/** One request and its answer. All of it may be called after the client has left: then nothing happens. */
export class FakeOllamaExchange {
  /** Set before the answer begins. */
  framing: AnswerFraming = "sound";
  #isGone = false;
  #isOver = false;
  #unflushedCount = 0;
  #isStreaming = false;
  #endWait: (() => void) | undefined;
  #onceSent: (() => void) | undefined;
  readonly #onSent = (error?: Error | null) => error ? this.leave() : this.#countSent();

  /** Waits for its answer; `onOver` is told when the connection is free for the next, or whether it has to close. */
  constructor(
    readonly request: ReceivedOllamaRequest,
    private readonly socket: Socket,
    private readonly onOver: (mayGoOn: boolean) => void,
  ) {}

  /** Whether the client left before its answer was whole. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether nothing more can be sent. */
  get isOver(): boolean {
    return this.#isOver || this.#isGone;
  }

  /** Whether the head of a streamed answer was sent. */
  get isStreaming(): boolean {
    return this.#isStreaming;
  }

  /** To be called by the connection when it closes. */
  leave(): void {
    if (this.#isOver) return;
    this.#isGone = true;
    this.#endWait?.();
  }

  /** Waits so long, or until the client leaves. */
  pause(ms: number): Promise<void> {
    return this.wait((resolve) => {
      const timer = setTimeout(resolve, ms);
      return () => clearTimeout(timer);
    });
  }

  /** Waits until `start`'s callback is called, or the client leaves; what `start` returns cleans up. One at a time. */
  async wait(start: (resolve: () => void) => () => void): Promise<void> {
    if (this.isOver) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endWait = resolve;
    const stop = start(resolve);
    await promise;
    this.#endWait = undefined;
    stop();
  }

  /** Answers with JSON as gin does. */
  sendJson(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const type = "application/json; charset=utf-8";
    this.send(status, JSON.stringify(value), { "Content-Type": type, ...headers });
  }

  /** Answers with a body of known length; a HEAD request gets none of it. */
  send(status: number, body: string, headers: Readonly<Record<string, string>>): void {
    if (this.framing === "without_end") {
      this.#write(`${this.#head(status, { ...headers, "Transfer-Encoding": "chunked" })}${chunk(body)}`);
      return this.#finish(false);
    }
    const sent = this.framing === "half" ? body.slice(0, body.length / 2) : body;
    const missing = this.framing === "announces_more" ? MISSING_BYTE_COUNT : 0;
    const length = Buffer.byteLength(sent) + missing;
    const head = this.#head(status, { ...headers, "Content-Length": `${length}` });
    this.#write(this.request.method === "HEAD" ? head : head + sent);
    this.#finish(missing === 0);
  }

  /** Begins a streamed answer, with its first piece. */
  beginStream(contentType: string, piece: string): void {
    const framing: Record<string, string> = this.framing === "announces_more"
      ? { "Content-Length": "10000000" }
      : { "Transfer-Encoding": "chunked" };
    this.#isStreaming = true;
    const head = this.#head(200, { "Content-Type": contentType, ...framing });
    if (this.framing !== "half") return this.#write(head + this.#framed(piece));
    this.#write(`${head}${chunk(piece.slice(0, piece.length / 2))}0\r\n\r\n`);
    this.#finish(true);
  }

  /** Sends the next piece of a streamed answer. */
  sendPiece(piece: string): void {
    this.#write(this.#framed(piece));
  }

  /** Ends a streamed answer. */
  endStream(): void {
    const isWhole = this.framing === "sound" || this.framing === "huge_head";
    if (isWhole) this.#write("0\r\n\r\n");
    this.#finish(isWhole);
  }

  /** Sends bytes that may be anything. */
  sendRaw(text: string): void {
    this.#write(text);
  }

  /** Waits until all that was sent is with the system, or the client leaves. */
  async untilSent(): Promise<void> {
    while (this.#unflushedCount > 0 && !this.isOver) {
      await this.wait((resolve) => {
        this.#onceSent = resolve;
        return () => this.#onceSent = undefined;
      });
    }
  }

  /** Resets the connection, after all that was sent. */
  async reset(): Promise<void> {
    await this.untilSent();
    if (this.isOver) return;
    this.#isOver = true;
    this.socket.resetAndDestroy();
  }

  #countSent(): void {
    this.#unflushedCount--;
    if (this.#unflushedCount === 0) this.#onceSent?.();
  }

  #head(status: number, headers: Readonly<Record<string, string>>): string {
    let head = `HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    if (this.framing === "huge_head") head += HUGE_HEADERS.join("");
    return `${head}Date: ${new Date().toUTCString()}\r\n\r\n`;
  }

  #framed(piece: string): string {
    return this.framing === "announces_more" ? piece : chunk(piece);
  }

  #write(text: string): void {
    if (this.isOver) return;
    this.#unflushedCount++;
    this.socket.write(text, this.#onSent);
  }

  #finish(mayGoOn: boolean): void {
    if (this.isOver) return;
    this.#isOver = true;
    this.onOver(mayGoOn && this.request.headers["connection"] !== "close");
  }
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
