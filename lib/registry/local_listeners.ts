import type { Clock } from "../clock.ts";

/** A TCP socket that listens on this host, IPv4 only. */
export interface Listener {
  /** Dotted address that it is bound to; `0.0.0.0` for all. */
  readonly address: string;
  /** TCP port. */
  readonly port: number;
}

/** A row whose state is `TCP_LISTEN`. Rows of connections, of which there can be very many, do not match. */
const LISTENER = /^ *\d+: ([0-9A-F]{8}):([0-9A-F]{4}) 00000000:0000 0A /gm;

/**
 * Reads the listeners from the text of `/proc/net/tcp`.
 *
 * @see proc_net_tcp.rst in the kernel's documentation: addresses are hexadecimal words in the host's byte order, in
 *   practice little-endian; ports are big-endian
 */
export function parseListeners(table: string): Listener[] {
  return [...table.matchAll(LISTENER)].map(([, address = "", port = ""]) => ({
    address: address.match(/../g)!.reverse().map((octet) => parseInt(octet, 16)).join("."),
    port: parseInt(port, 16),
  }));
}

/**
 * Which listener takes a connection to an address of this host: the one bound to it, or else to all addresses.
 *
 * @returns Undefined if none does.
 */
export function findListener(
  listeners: readonly Listener[],
  address: string,
  port: number,
): Listener | undefined {
  const candidates = listeners.filter((listener) => listener.port === port);
  return candidates.find((listener) => listener.address === address) ??
    candidates.find((listener) => listener.address === "0.0.0.0");
}

/** For how long a listener that was seen is believed to be there, ms: the kernel's table takes long to read. */
const BELIEVED_MS = 5_000;

/** The listeners of this host. */
export class ListenerTable {
  #known: readonly Listener[] = [];
  #readMs = -Infinity;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /**
   * Reads nothing yet.
   *
   * @param readTable Reads the kernel's table of TCP sockets.
   */
  constructor(
    private readonly clock: Clock,
    private readonly readTable: () => Promise<string> = () => Deno.readTextFile("/proc/net/tcp"),
  ) {}

  /** Which listener takes a connection to an address of this host; `undefined` if none is seen. */
  async find(address: string, port: number): Promise<Listener | undefined> {
    const isRecent = this.clock.monotonic() - this.#readMs < BELIEVED_MS;
    const seen = isRecent ? findListener(this.#known, address, port) : undefined;
    if (seen) return seen;
    await (this.#next ??= this.#readAfter(this.#running));
    return findListener(this.#known, address, port);
  }

  /** Calls that come while a read is under way share the next one: what it saw may be older than they are. */
  async #readAfter(running: Promise<void> | undefined): Promise<void> {
    await running?.catch(() => {});
    this.#next = undefined;
    await (this.#running = this.#read());
  }

  async #read(): Promise<void> {
    const startMs = this.clock.monotonic();
    // Another system, a sandbox, no file descriptor left: what is not known then is told apart by its address alone.
    const table = await this.readTable().catch(() => undefined);
    if (table !== undefined) this.#known = parseListeners(table);
    this.#readMs = startMs;
  }
}
