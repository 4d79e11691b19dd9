import { type Clock, systemClock } from "../clock.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import type { ProbeSocket } from "./probe_socket.ts";

/** How {@linkcode ParkedProbes} behaves. */
export interface ParkedProbesOptions {
  /** Most connections that wait; further ones are closed. Default: no limit. */
  readonly maxCount?: number;
  /** Called when a backend closed its connection: it is free, or gone. */
  readonly onFreed?: (endpoint: Endpoint) => void;
}

/**
 * Empty connections that wait in the queues of held rpc backends, one for each at most.
 *
 * A held backend has room for two clients in its queue, and cannot drop them. So a probe that was not served
 * stays in the queue and is asked again from here, instead of being closed and followed by the next.
 * When the backend gets free it closes the connection, which leaves this set by itself. A machine that vanishes
 * is noticed by TCP keep-alive, on Linux after 12 minutes.
 *
 * Disposal closes all of them, and so does the end of the process. Nothing was sent on them, so the backend
 * has nothing to answer and survives.
 */
export class ParkedProbes implements Disposable {
  readonly #parked = new Map<string, { socket: ProbeSocket; sinceMs: number }>();
  readonly #clock: Clock;
  readonly #maxCount: number;
  readonly #onFreed: (endpoint: Endpoint) => void;
  #isDisposed = false;

  /** Starts empty. */
  constructor(clock: Clock = systemClock, options: ParkedProbesOptions = {}) {
    this.#clock = clock;
    this.#maxCount = options.maxCount ?? Infinity;
    this.#onFreed = options.onFreed ?? (() => {});
  }

  /** How many connections wait. */
  get size(): number {
    return this.#parked.size;
  }

  /** For how long a connection has been waiting at this endpoint, in milliseconds; undefined if none does. */
  waitedMs(endpoint: Endpoint): number | undefined {
    const parked = this.#parked.get(formatEndpoint(endpoint));
    return parked && this.#clock.monotonic() - parked.sinceMs;
  }

  /**
   * Takes over a connection on which nothing was sent and never will be; closes it if another one waits there.
   *
   * @param sinceMs When it was made, by the clock's {@linkcode Clock.monotonic}.
   */
  park(endpoint: Endpoint, socket: ProbeSocket, sinceMs: number): void {
    const key = formatEndpoint(endpoint);
    const isUnwanted = this.#isDisposed || this.#parked.has(key) || this.#parked.size >= this.#maxCount;
    if (isUnwanted) return socket[Symbol.dispose]();
    this.#parked.set(key, { socket, sinceMs });
    void socket.receive(() => true).then(() => {
      if (this.#parked.get(key)?.socket !== socket) return;
      this.#drop(key);
      this.#onFreed(endpoint);
    });
  }

  /** Closes the connection that waits there, if one does. */
  leave(endpoint: Endpoint): void {
    this.#drop(formatEndpoint(endpoint));
  }

  /** Closes all; what is parked later is closed at once. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const key of [...this.#parked.keys()]) this.#drop(key);
  }

  #drop(key: string): void {
    this.#parked.get(key)?.socket[Symbol.dispose]();
    this.#parked.delete(key);
  }
}
