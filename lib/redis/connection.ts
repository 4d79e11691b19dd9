import type { RedisAddress } from "./address.ts";
import { type ByteSource, readReply, RedisError, type RedisReply } from "./reply.ts";

const CHUNK_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
/** Of one connection; a thousand registrations have less than one. */
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;
const [CR, LF] = [13, 10];

/** One short connection to a Redis, for a few commands. */
export class RedisConnection implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #signal: AbortSignal;
  readonly #source: SocketSource;
  readonly #close: () => void;
  #isClosed = false;

  private constructor(socket: Deno.TcpConn, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    this.#source = new SocketSource(socket);
    this.#close = () => this[Symbol.dispose]();
    signal.addEventListener("abort", this.#close);
  }

  /**
   * Connects, shows the credentials and selects the database.
   *
   * @param signal Closes the connection, also later.
   * @throws {RedisError} If Redis does not let us in.
   * @throws {RangeError} If it is no Redis.
   * @throws The system's error; the signal's reason.
   */
  static async open(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
    const { hostname, port, database } = address;
    const socket = await Deno.connect({ hostname, port, signal });
    using startup = new DisposableStack();
    const connection = startup.use(new RedisConnection(socket, signal));
    signal.throwIfAborted(); // it came while the socket was being opened: nobody would hear it
    const credentials = address.reveal();
    if (credentials) {
      const { username, password } = credentials;
      await connection.ask(username === undefined ? ["AUTH", password] : ["AUTH", username, password]);
    }
    if (database !== 0) await connection.ask(["SELECT", String(database)]);
    startup.move();
    return connection;
  }

  /**
   * Sends a command.
   *
   * @throws {RedisError} If Redis refuses it.
   * @throws As {@linkcode RedisConnection.open}.
   */
  async ask(command: readonly string[]): Promise<RedisReply> {
    const [reply = null] = await this.askAll([command]);
    if (reply instanceof RedisError) throw reply;
    return reply;
  }

  /**
   * Sends several commands in one go. Each is answered, maybe by a {@linkcode RedisError}.
   *
   * @throws As {@linkcode RedisConnection.open}, but no `RedisError`.
   */
  async askAll(commands: readonly (readonly string[])[]): Promise<RedisReply[]> {
    try {
      await writeAll(this.#socket, encodeCommands(commands));
      const replies: RedisReply[] = [];
      while (replies.length < commands.length) replies.push(await readReply(this.#source));
      return replies;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#close);
    if (!this.#isClosed) this.#socket.close();
    this.#isClosed = true;
  }
}

/** In RESP2 a command is an array of texts, each with its length in bytes. */
function encodeCommands(commands: readonly (readonly string[])[]): Uint8Array {
  const encoder = new TextEncoder();
  const encodeWord = (word: string) => `$${encoder.encode(word).byteLength}\r\n${word}\r\n`;
  return encoder.encode(
    commands.map((words) => `*${words.length}\r\n${words.map(encodeWord).join("")}`).join(""),
  );
}

async function writeAll(socket: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += await socket.write(bytes.subarray(at));
}

/** Takes what comes in one chunk after another, and holds no more than one. */
class SocketSource implements ByteSource {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #unread = new Uint8Array();
  #totalBytes = 0;

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  async readLine(): Promise<string> {
    const line: number[] = [];
    for (;;) {
      const byte = await this.#readByte();
      if (byte === LF && line.at(-1) === CR) {
        return new TextDecoder().decode(Uint8Array.from(line.slice(0, -1)));
      }
      if (line.length >= MAX_LINE_BYTES) {
        throw new RangeError("what listens there sends a line without an end: it is no Redis");
      }
      line.push(byte);
    }
  }

  async readBytes(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      await this.#fill();
      const part = this.#unread.subarray(0, count - at);
      bytes.set(part, at);
      at += part.byteLength;
      this.#unread = this.#unread.subarray(part.byteLength);
    }
    return bytes;
  }

  async #readByte(): Promise<number> {
    if (this.#unread.byteLength === 0) await this.#fill();
    const byte = this.#unread[0]!;
    this.#unread = this.#unread.subarray(1);
    return byte;
  }

  /** Makes sure that there is something unread. */
  async #fill(): Promise<void> {
    if (this.#unread.byteLength > 0) return;
    const count = await this.#socket.read(this.#buffer);
    if (count === null) {
      throw new Deno.errors.UnexpectedEof("it closed the connection before it had answered");
    }
    this.#totalBytes += count;
    if (this.#totalBytes > MAX_TOTAL_BYTES) {
      throw new RangeError(
        "what listens there sends more than 16 MiB: far more than a thousand registrations",
      );
    }
    this.#unread = this.#buffer.subarray(0, count);
  }
}
