import type { connect, Socket } from "node:net";
import type { Endpoint } from "./endpoint.ts";

/** How often an idle parked connection is checked, so that a machine that vanished is noticed (on Linux in 12 min). */
const KEEP_ALIVE_MS = 15_000;

/** Why {@linkcode ProbeSocket.receive} stopped: its taker had enough, or the peer closed or reset. */
export type Received = "enough" | "closed";

/**
 * One short connection to an rpc backend.
 *
 * Made on node's sockets, not on `Deno.connect`, for two things: they resolve names to IPv4 alone, as
 * llama.cpp does, and they can be {@linkcode ProbeSocket.reset}.
 */
export class ProbeSocket implements Disposable {
  readonly #socket: Socket;

  private constructor(endpoint: Endpoint, connectTo: typeof connect) {
    this.#socket = connectTo({
      ...endpoint,
      family: 4,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    this.#socket.on("error", () => {}); // what fails later is seen as closed; unheard, it would end the process
  }

  /**
   * Connects, in IPv4 only.
   *
   * @throws The system's error, with its `code` such as `ECONNREFUSED`; or the signal's reason.
   */
  static async open(endpoint: Endpoint, signal: AbortSignal): Promise<ProbeSocket> {
    const { connect } = await import("node:net"); // takes a while to load, and not everybody has rpc backends
    signal.throwIfAborted();
    const opening = new ProbeSocket(endpoint, connect);
    const socket = opening.#socket;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => reject(signal.reason);
    socket.once("connect", resolve).once("error", reject);
    signal.addEventListener("abort", giveUp);
    try {
      await promise;
      return opening;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      socket.off("error", reject);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Sends without waiting: requests are tiny. A peer that is gone is noticed by {@linkcode receive}. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Says that nothing more will be sent. The peer can still answer. */
  closeWrite(): void {
    this.#socket.end();
  }

  /**
   * Hands over each chunk as it arrives, until `take` returns true or the peer closes.
   * After an abort the connection is as it was, and can be listened to again.
   *
   * @throws The signal's reason, or what `take` throws.
   */
  receive(take: (chunk: Uint8Array) => boolean, signal?: AbortSignal): Promise<Received> {
    const socket = this.#socket;
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const onData = (chunk: Uint8Array) => {
      try {
        if (take(chunk)) resolve("enough");
      } catch (error) {
        reject(error);
      }
    };
    const onClosed = () => resolve("closed");
    const onAbort = () => reject(signal!.reason);
    socket.on("data", onData).on("end", onClosed).on("error", onClosed).on("close", onClosed);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    if (socket.readableEnded || socket.destroyed) onClosed();
    return promise.finally(() => {
      socket.off("data", onData).off("end", onClosed).off("error", onClosed).off("close", onClosed);
      signal?.removeEventListener("abort", onAbort);
    });
  }

  /**
   * Drops the connection by RST: the peer's next send fails with ECONNRESET, which it survives, instead of EPIPE,
   * which comes with a deadly SIGPIPE. Works only before {@linkcode closeWrite}: a peer that has seen our end
   * gets EPIPE in either case.
   */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Closes in the ordinary way. Kills an rpc backend that still has an answer to send: {@linkcode reset} then. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
