import { setTimeout as delay } from "node:timers/promises";
import type { DeviceMemory } from "../../lib/rpc/answer_decoder.ts";
import type { Endpoint } from "../../lib/rpc/endpoint.ts";
import { type ProtocolVersion, RPC_COMMAND } from "../../lib/rpc/protocol.ts";
import { GIB } from "../../lib/units.ts";

/** How a {@linkcode FakeRpcBackend} treats its clients. Only `ok` and the next three speak the rpc protocol. */
export type Behaviour =
  | "ok"
  | "slow" // one byte each `byteDelayMs`
  | "truncated" // closes after 40 bytes of the answer
  | "hugeSize" // announces 2⁶² bytes
  | "silent" // takes connections, and neither reads nor closes
  | "deaf" // closes empty connections, but never answers
  | "closesAtOnce"
  | "http"
  | "tls"
  | "ssh"
  | "garbage";

/** What a {@linkcode FakeRpcBackend} is. */
export interface FakeRpcBackendOptions {
  /** Default `ok`. */
  behaviour?: Behaviour;
  /** Default 8.0.0. Versions before 4 want an empty HELLO and answer it by 3 bytes. */
  version?: ProtocolVersion;
  /** Default: one of 24 GiB. */
  devices?: readonly DeviceMemory[];
  /** Pause after each byte of a `slow` one. Default 20. */
  byteDelayMs?: number;
  /** Any of 127.0.0.0/8. Default 127.0.0.1. */
  hostname?: string;
  /** Default 0: a free one. */
  port?: number;
}

/**
 * A `ggml-rpc-server` on loopback that knows HELLO, DEVICE_COUNT and GET_DEVICE_MEMORY. Like the real one it serves
 * one client at a time, lets two wait, answers in two writes, closes on whatever it does not like, and dies
 * when it writes to a client that is gone (there: of SIGPIPE). A contract test holds it against the real one.
 */
export class FakeRpcBackend implements AsyncDisposable {
  /** Where it listens. */
  readonly endpoint: Endpoint;
  /** Ids of the requests that it read, in their order. */
  readonly commands: number[] = [];
  /** Connections that it took from its queue. */
  acceptedCount = 0;
  #hasDied = false;
  readonly #listener: Deno.TcpListener;
  readonly #options: Required<FakeRpcBackendOptions>;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #stopping = new AbortController();
  readonly #serving: Promise<void>;

  /** Listens at once. */
  constructor(options: FakeRpcBackendOptions = {}) {
    this.#options = {
      behaviour: "ok",
      version: { major: 8, minor: 0, patch: 0 },
      devices: [{ freeBytes: 24 * GIB, totalBytes: 24 * GIB }],
      byteDelayMs: 20,
      hostname: "127.0.0.1",
      port: 0,
      ...options,
    };
    const { hostname, port } = this.#options;
    this.#listener = Deno.listen({ hostname, port, tcpBacklog: 1 });
    this.endpoint = { host: hostname, port: this.#listener.addr.port };
    this.#serving = this.#serve();
  }

  /** Whether it wrote to a client that was gone: the real one is dead then. */
  hasDied(): boolean {
    return this.#hasDied;
  }

  /** Stops listening and leaves all clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#close();
    await this.#serving;
  }

  #close(): void {
    this.#listener[Symbol.dispose](); // unlike close(), it may be called again
    for (const connection of this.#open) this.#hangUp(connection);
  }

  #hangUp(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }

  async #serve(): Promise<void> {
    for (let client = await this.#accept(); client !== "closed"; client = await this.#accept()) {
      this.acceptedCount++;
      if (client === "reset") continue;
      this.#open.add(client);
      client.setNoDelay();
      if (this.#options.behaviour === "silent") continue;
      await this.#serveOne(client);
      this.#hangUp(client);
    }
  }

  async #accept(): Promise<Deno.TcpConn | "reset" | "closed"> {
    try {
      return await this.#listener.accept();
    } catch (error) {
      // Deno asks for the peer's address, which a client that was reset in the queue has no more.
      if (error instanceof Deno.errors.NotConnected) return "reset";
      if (this.#stopping.signal.aborted || this.#hasDied) return "closed";
      throw error;
    }
  }

  async #serveOne(connection: Deno.TcpConn): Promise<void> {
    try {
      await this.#behave(connection);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) {
        this.#hasDied = true;
        this.#close();
      } else if (!this.#stopping.signal.aborted && !(error instanceof Deno.errors.ConnectionReset)) {
        throw error;
      }
    }
  }

  async #behave(connection: Deno.TcpConn): Promise<void> {
    const { behaviour } = this.#options;
    if (behaviour === "closesAtOnce") return;
    if (behaviour === "ok" || behaviour === "slow" || behaviour === "truncated" || behaviour === "hugeSize") {
      return await this.#speak(connection);
    }
    if (behaviour === "ssh") return await write(connection, bytesOf("SSH-2.0-OpenSSH_9.2p1\r\n"));
    if (await connection.read(new Uint8Array(1024)) === null) return;
    if (behaviour === "deaf") await connection.read(new Uint8Array(1024));
    else await write(connection, FOREIGN_ANSWER[behaviour as keyof typeof FOREIGN_ANSWER]);
  }

  /** The protocol itself, until the client leaves or does what the server refuses. */
  async #speak(connection: Deno.TcpConn): Promise<void> {
    let wasGreeted = false;
    let left = this.#options.behaviour === "truncated" ? 40 : Infinity;
    while (true) {
      const request = await readRequest(connection);
      if (!request) return;
      this.commands.push(request.command);
      const isHello = request.command === RPC_COMMAND.hello;
      const answer = isHello === wasGreeted ? undefined : this.#answer(request);
      if (!answer) return;
      wasGreeted = true;
      for (
        const piece of [u64(this.#options.behaviour === "hugeSize" ? 2n ** 62n : answer.byteLength), answer]
      ) {
        await this.#send(connection, piece.subarray(0, left));
        left -= piece.byteLength;
        if (left <= 0) return;
      }
    }
  }

  #answer({ command, payload }: Request): Uint8Array | undefined {
    const { version: { major, minor, patch }, devices } = this.#options;
    if (command === RPC_COMMAND.hello) {
      if (payload.byteLength !== (major < 4 ? 0 : 24)) return undefined;
      return Uint8Array.from({ length: major < 4 ? 3 : 28 }, (_, at) => [major, minor, patch][at] ?? 0);
    }
    if (command === RPC_COMMAND.deviceCount && payload.byteLength === 0) {
      return u64(devices.length).subarray(0, 4);
    }
    if (command !== RPC_COMMAND.getDeviceMemory || payload.byteLength !== 4) return undefined;
    const device = devices[new DataView(payload.buffer).getUint32(0, true)];
    return device && Uint8Array.of(...u64(device.freeBytes), ...u64(device.totalBytes));
  }

  async #send(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
    if (this.#options.behaviour !== "slow") return await write(connection, bytes);
    for (const byte of bytes) {
      await write(connection, Uint8Array.of(byte));
      await delay(this.#options.byteDelayMs, undefined, { signal: this.#stopping.signal });
    }
  }
}

interface Request {
  command: number;
  payload: Uint8Array<ArrayBuffer>;
}

const FOREIGN_ANSWER = {
  http: bytesOf("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
  tls: Uint8Array.of(0x15, 3, 1, 0, 2, 2, 10),
  garbage: Uint8Array.from({ length: 64 }, (_, at) => (at * 197 + 151) % 256),
};

/** @returns Undefined if the client left, or wants more memory than there is. */
async function readRequest(connection: Deno.TcpConn): Promise<Request | undefined> {
  const head = await readExactly(connection, 9);
  if (!head) return undefined;
  const sizeBytes = new DataView(head.buffer).getBigUint64(1, true);
  if (sizeBytes > 4096) return undefined;
  const payload = await readExactly(connection, Number(sizeBytes));
  return payload && { command: head[0]!, payload };
}

async function readExactly(
  connection: Deno.TcpConn,
  wantBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = new Uint8Array(wantBytes);
  for (let filled = 0; filled < wantBytes;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) return undefined;
    filled += count;
  }
  return bytes;
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.byteLength;) sent += await connection.write(bytes.subarray(sent));
}

function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
