import type { UpstreamAddress } from "../../lib/http/address.ts";

/** What a scripted server got: the head as text, and as many body bytes as its `Content-Length` says. */
export interface ReceivedRequest {
  head: string;
  body: Uint8Array;
}

/** Plays one connection. When it returns, the connection is closed. */
export type Script = (peer: Peer) => Promise<void>;

/** Where a scripted server listens; a loopback port without TLS by default. */
export interface ScriptedServerOptions {
  unixPath?: string;
  tls?: { cert: string; key: string };
}

const DISCONNECTED = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.UnexpectedEof,
  Deno.errors.InvalidData,
];

/**
 * A raw server that does not know HTTP: a script reads and writes bytes, so it can misbehave in any way.
 * Disposing it closes all connections and rejects if a script failed for another reason than its client leaving.
 */
export class ScriptedServer implements AsyncDisposable {
  readonly address: UpstreamAddress;
  /** One for each connection, in the order in which they came. */
  readonly peers: Peer[] = [];
  readonly #listener: Deno.Listener;
  readonly #accepting: Promise<void>;
  readonly #playing: Promise<void>[] = [];

  private constructor(listener: Deno.Listener, address: UpstreamAddress, script: Script) {
    this.#listener = listener;
    this.address = address;
    this.#accepting = this.#accept(script);
  }

  /** Listens, and plays the script for each connection. */
  static start(script: Script, { unixPath, tls }: ScriptedServerOptions = {}): ScriptedServer {
    if (unixPath !== undefined) {
      const listener = Deno.listen({ transport: "unix", path: unixPath });
      return new ScriptedServer(listener, { transport: "unix", path: unixPath }, script);
    }
    const where = { hostname: "127.0.0.1", port: 0 };
    const listener = tls ? Deno.listenTls({ ...where, ...tls }) : Deno.listen(where);
    const { hostname, port } = listener.addr as Deno.NetAddr;
    return new ScriptedServer(
      listener,
      { transport: "tcp", hostname, port, ...(tls && { tls: true }) },
      script,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const peer of this.peers) peer.close();
    await this.#accepting;
    await Promise.all(this.#playing);
  }

  async #accept(script: Script): Promise<void> {
    for await (const connection of this.#listener) {
      const peer = new Peer(connection);
      this.peers.push(peer);
      this.#playing.push(play(script, peer));
    }
  }
}

/** The server's end of one connection. */
export class Peer {
  readonly #connection: Deno.Conn;
  #unread: Uint8Array = new Uint8Array();
  #isClosed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next request; rejects with `UnexpectedEof` if the client closed before it was whole. */
  async receive(): Promise<ReceivedRequest> {
    const head = await this.receiveHead();
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    while (this.#unread.byteLength < length) await this.#readMore();
    return { head, body: this.#take(length) };
  }

  /** The next head, up to and with its empty line; the body stays unread. */
  async receiveHead(): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#unread);
      const end = text.indexOf("\r\n\r\n");
      if (end !== -1) return new TextDecoder("latin1").decode(this.#take(end + 4));
      await this.#readMore();
    }
  }

  /** Sends all of it, text as UTF-8. */
  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let at = 0; at < bytes.byteLength;) at += await this.#connection.write(bytes.subarray(at));
    }
  }

  /** Resolves when the client has closed the connection, to the count of bytes that it sent meanwhile. */
  async untilGone(): Promise<number> {
    let count = this.#unread.byteLength;
    const sink = new Uint8Array(64 * 1024);
    try {
      for (let n = await this.#connection.read(sink); n !== null; n = await this.#connection.read(sink)) {
        count += n;
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    }
    return count;
  }

  /** Closes the connection; unread bytes of the client make it a reset. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  async #readMore(): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    const count = await this.#connection.read(chunk);
    if (count === null) throw new Deno.errors.UnexpectedEof("The client closed the connection");
    const joined = new Uint8Array(this.#unread.byteLength + count);
    joined.set(this.#unread);
    joined.set(chunk.subarray(0, count), this.#unread.byteLength);
    this.#unread = joined;
  }

  #take(count: number): Uint8Array {
    const taken = this.#unread.slice(0, count);
    this.#unread = this.#unread.slice(count);
    return taken;
  }
}

async function play(script: Script, peer: Peer): Promise<void> {
  try {
    await script(peer);
  } catch (error) {
    if (!isDisconnect(error)) throw error;
  } finally {
    peer.close();
  }
}

function isDisconnect(error: unknown): boolean {
  return DISCONNECTED.some((kind) => error instanceof kind);
}

/** A script that answers each request on the connection with the same bytes, until the client leaves. */
export function answering(...parts: (string | Uint8Array)[]): Script {
  return async (peer) => {
    for (;;) {
      await peer.receive();
      await peer.send(...parts);
    }
  };
}

/** A well-formed answer of that body. */
export function ok(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${new TextEncoder().encode(body).byteLength}\r\n\r\n${body}`;
}
