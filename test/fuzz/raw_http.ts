import { joinBytes } from "../../lib/join_bytes.ts";
import { faultOf } from "../fixtures/answer_faults.ts";

/** A request byte for byte, and what the client does. */
export interface RawRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly path: string;
  /** How it was made. */
  readonly how: string;
  /** Head and body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether its head says how long its body is, so that it must be answered. */
  readonly isWellFramed: boolean;
  /** The client leaves when it has read so many bytes; `undefined`: it reads to the end. */
  readonly leavesAfterBytes: number | undefined;
}

/** What came back. */
export interface RawAnswer {
  /** 0 if the server closed without an answer, or the client left before it. */
  readonly status: number;
  readonly text: string;
  /** What must not be, if it was. */
  readonly fault: string | undefined;
}

const HANG_MS = 10_000;
/** Who sends less than it announced waits for nothing. */
const UNFRAMED_MS = 50;
const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder();

/** A client of one connection at a time, which is kept for the next request where that may be. */
export class RawClient implements Disposable {
  #connection: Deno.TcpConn | undefined;

  constructor(private readonly port: number, private readonly secrets: readonly string[]) {}

  /** Sends a request, and judges the answer. Does not reject: what breaks is a fault, or no answer. */
  async send(request: RawRequest): Promise<RawAnswer> {
    const wasKept = this.#connection !== undefined;
    const answer = await this.#sendOnce(request);
    // A kept connection may be closed by the server at the moment in which it is used again.
    return wasKept && answer.status === 0 && request.isWellFramed ? await this.#sendOnce(request) : answer;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  async #sendOnce(request: RawRequest): Promise<RawAnswer> {
    this.#connection ??= await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const exchange = new Exchange(this.#connection, request);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), request.isWellFramed ? HANG_MS : UNFRAMED_MS);
    });
    const ended = await Promise.race([exchange.run(), late]);
    clearTimeout(timer);
    if (ended !== "kept" || !request.isWellFramed) this.#close();
    const { status, text, contentType } = exchange;
    return { status, text, fault: this.#faultOf(request, ended, exchange, contentType) };
  }

  #faultOf(
    { isWellFramed, leavesAfterBytes, path, method }: RawRequest,
    ended: "kept" | "closed" | "left" | "late",
    { status, text, isWhole }: Exchange,
    contentType: string,
  ): string | undefined {
    if (isWellFramed && ended === "late") return `no answer within ${HANG_MS} ms`;
    if (isWellFramed && leavesAfterBytes === undefined && status === 0) return "closed without an answer";
    if (isWellFramed && ended === "closed" && !isWhole) return "an answer that is cut off";
    if (method === "HEAD" || !isWhole) return status === 500 ? "the status is 500" : undefined;
    return faultOf({ path, status, contentType, text }, this.secrets);
  }

  #close(): void {
    try {
      this.#connection?.close();
    } catch {
      // it was closed already
    }
    this.#connection = undefined;
  }
}

/** One request and its answer over a connection. */
class Exchange {
  status = 0;
  contentType = "";
  /** Whether all of the answer came. */
  isWhole = false;
  #head = "";
  #body: Uint8Array[] = [];
  #unread: Uint8Array = new Uint8Array();
  #readBytes = 0;

  constructor(private readonly connection: Deno.TcpConn, private readonly request: RawRequest) {}

  get text(): string {
    return utf8.decode(joinBytes(this.#body));
  }

  /** Whether the connection may be used again, or how it ended. */
  async run(): Promise<"kept" | "closed" | "left"> {
    const sending = this.#write().catch(() => {}); // a server may answer and close before it has read all
    try {
      do await this.#readHead(); while (this.status >= 100 && this.status < 200);
      await this.#readBody();
      await sending;
      this.isWhole = true;
      return /^connection: *close/im.test(this.#head) || !/^HTTP\/1\.1/.test(this.#head) ? "closed" : "kept";
    } catch (error) {
      return error instanceof Leaving ? "left" : "closed";
    }
  }

  async #write(): Promise<void> {
    const { bytes } = this.request;
    for (let at = 0; at < bytes.byteLength;) at += await this.connection.write(bytes.subarray(at));
  }

  async #readHead(): Promise<void> {
    for (;;) {
      const text = latin1.decode(this.#unread);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#head = text.slice(0, end + 2);
        this.#unread = this.#unread.subarray(end + 4);
        this.status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(this.#head)?.[1] ?? 0);
        this.contentType = this.#header("content-type") ?? "";
        return;
      }
      await this.#readMore();
    }
  }

  async #readBody(): Promise<void> {
    if (this.request.method === "HEAD" || this.status === 204 || this.status === 304) return;
    if (/chunked/i.test(this.#header("transfer-encoding") ?? "")) return await this.#readChunks();
    this.#body.push(await this.#take(Number(this.#header("content-length") ?? 0)));
  }

  async #readChunks(): Promise<void> {
    for (;;) {
      const line = latin1.decode(await this.#takeLine());
      const length = parseInt(line, 16);
      if (Number.isNaN(length)) throw new Error(`no length of a chunk: ${line}`);
      this.#body.push((await this.#take(length + 2)).subarray(0, length));
      if (length === 0) return;
    }
  }

  async #takeLine(): Promise<Uint8Array> {
    for (let from = 0;;) {
      const at = this.#unread.indexOf(0x0a, from);
      if (at >= 0) return await this.#take(at + 1);
      from = this.#unread.byteLength;
      await this.#readMore();
    }
  }

  async #take(count: number): Promise<Uint8Array> {
    while (this.#unread.byteLength < count) await this.#readMore();
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  #header(name: string): string | undefined {
    return new RegExp(`^${name}: *(.*?)\r$`, "im").exec(this.#head)?.[1];
  }

  async #readMore(): Promise<void> {
    if (this.#readBytes >= (this.request.leavesAfterBytes ?? Infinity)) throw new Leaving();
    const chunk = new Uint8Array(16 * 1024);
    const count = await this.connection.read(chunk);
    if (count === null) throw new Error("the server closed the connection");
    this.#readBytes += count;
    this.#unread = joinBytes([this.#unread, chunk.subarray(0, count)]);
  }
}

/** The client has read as much as it wanted. */
class Leaving extends Error {}
