import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint } from "../../lib/rpc/endpoint.ts";

/** How much a road takes up before its sender has to wait. */
export type RoadCapacity = "as little as the kernel" | "everything";

/** Brings connections to an rpc backend, and lets only so many bytes a second through to it. */
export class SlowRoad implements AsyncDisposable {
  readonly endpoint: string;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;

  /** Listens on a free port of `hostname`. */
  constructor(
    hostname: string,
    private readonly to: Endpoint,
    private readonly bytesPerSecond: number,
    private readonly capacity: RoadCapacity = "as little as the kernel",
  ) {
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.endpoint = `${hostname}:${this.#listener.addr.port}`;
    this.#serving = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      for await (const client of this.#listener) served.push(this.#relay(client));
    } catch {
      // The listener was closed.
    }
    await Promise.all(served);
  }

  async #relay(client: Deno.TcpConn): Promise<void> {
    const server = await Deno.connect({ hostname: this.to.host, port: this.to.port });
    for (const connection of [client, server]) this.#connections.add(connection);
    const there = this.capacity === "everything" ? pipeFromHeap : pipe;
    const both = [there(client, server, this.bytesPerSecond), pipe(server, client, Infinity)];
    await Promise.race(both);
    for (const connection of [client, server]) {
      close(connection);
      this.#connections.delete(connection);
    }
    await Promise.all(both);
  }
}

/** Takes all that comes at once, so that nothing waits at its sender, and lets it go as slowly. */
async function pipeFromHeap(from: Deno.TcpConn, to: Deno.TcpConn, bytesPerSecond: number): Promise<void> {
  const heap = new TransformStream<Uint8Array<ArrayBuffer>>({}, undefined, { highWaterMark: Infinity });
  const taken = from.readable.pipeTo(heap.writable).catch(() => {}); // it was closed
  try {
    for await (const piece of heap.readable) {
      for (let at = 0; at < piece.length;) at += await to.write(piece.subarray(at));
      await delay(piece.length * 1_000 / bytesPerSecond);
    }
  } catch {
    // One of them was closed.
  }
  await taken;
}

async function pipe(from: Deno.TcpConn, to: Deno.TcpConn, bytesPerSecond: number): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let owedMs = 0;
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await to.write(rest));
      owedMs += count * 1_000 / bytesPerSecond;
      if (owedMs < 20) continue;
      await delay(owedMs);
      owedMs = 0;
    }
  } catch {
    // One of them was closed.
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
