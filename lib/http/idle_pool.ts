import type { Connection } from "./connection.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

/** Bounds on the connections that are kept for later. */
export interface IdlePoolOptions {
  /** More than these are closed. */
  maxIdlePerAddress: number;
  /** Nothing rests longer. */
  idleTimeoutMs: number;
  /** Where their times are kept. */
  deadlines: Deadlines;
}

interface Resting {
  connection: Connection;
  deadline: Deadline;
}

/** Open connections that carry no request. Each leaves by being taken, by its time, or by what its peer does. */
export class IdlePool implements Disposable {
  readonly #resting = new Map<string, Resting[]>();
  readonly #options: IdlePoolOptions;

  /** Empty. */
  constructor(options: IdlePoolOptions) {
    this.#options = options;
  }

  /** Addresses that a connection rests for: all that it remembers. */
  get addressCount(): number {
    return this.#resting.size;
  }

  /** Keeps a connection for at most `reusableMs`; closes it if that is 0 or its address has enough of them. */
  put(connection: Connection, reusableMs: number): void {
    const { maxIdlePerAddress, idleTimeoutMs, deadlines } = this.#options;
    const siblings = this.#resting.get(connection.address) ?? [];
    const keepMs = Math.min(reusableMs, idleTimeoutMs);
    if (keepMs === 0 || siblings.length >= maxIdlePerAddress) return connection.close();
    const resting = { connection, deadline: deadlines.add(keepMs, () => connection.close()) };
    if (siblings.push(resting) === 1) this.#resting.set(connection.address, siblings);
    connection.onClose = () => this.#forget(resting);
    connection.rest();
  }

  /** The connection that was used last, so that those which only a busy hour needed grow old and go. */
  take(address: string): Connection | undefined {
    const resting = this.#resting.get(address)?.at(-1);
    if (!resting) return undefined;
    this.#forget(resting);
    resting.connection.onClose = undefined;
    resting.connection.wake();
    return resting.connection;
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const { connection } of [...this.#resting.values()].flat()) connection.close();
  }

  /** An address goes with its last connection: each start of a coordinator brings a new one. */
  #forget(resting: Resting): void {
    const { address } = resting.connection;
    const siblings = this.#resting.get(address)!;
    siblings.splice(siblings.lastIndexOf(resting), 1);
    if (siblings.length === 0) this.#resting.delete(address);
    this.#options.deadlines.remove(resting.deadline);
  }
}
