import type { Clock } from "./clock.ts";
import { GatewayError } from "./errors.ts";
import { parseConnectionsFrom, type TcpSocket } from "./net/tcp_table.ts";
import { readTcpTables } from "./process/tcp_tables.ts";
import { Alarm } from "./registry/alarm.ts";

/** How often the kernel is asked whether clients that wait are still there, ms. */
const LOOK_EVERY_MS = 500;
/** A row may be passed over while the kernel changes its table: so often in a row it has to be missing. */
const MISSING_LOOKS = 2;
/** How soon it is looked for again, ms. */
const LOOK_AGAIN_MS = 100;

/** The other end of a client's connection. */
export interface ClientAddress {
  /** IPv4, or IPv6 in any form. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
}

/** A client that is watched until disposal. */
export interface WatchedClient extends Disposable {
  /** Aborts soon after the client has left; the reason is a `GatewayError`. */
  readonly signal: AbortSignal;
}

/** What {@linkcode ClientWatch} works with. */
export interface ClientWatchOptions {
  /** Paces the looks. */
  readonly clock: Clock;
  /** The kernel's tables of TCP sockets, as text; `undefined` where it has none. Default: those of Linux. */
  readonly readTables?: () => Promise<string | undefined>;
}

interface Watched {
  readonly address: string;
  readonly port: number;
  readonly left: AbortController;
  missingCount: number;
}

/**
 * Notices clients that leave while they wait for an answer.
 *
 * Deno.serve (2.9.6) tells of it only if a request came in one packet of few bytes: it reads no further from a connection
 * whose request it has, and so never sees its end. The kernel does, and shows it in its table of sockets, which is read
 * only while somebody has waited for half a second.
 */
export class ClientWatch implements Disposable, AsyncDisposable {
  readonly #readTables: () => Promise<string | undefined>;
  readonly #alarm: Alarm;
  readonly #watched = new Set<Watched>();
  #isLooking = false;
  #localPort: number | undefined;
  #lookOver = Promise.resolve();

  /** Watches nobody yet. */
  constructor(private readonly options: ClientWatchOptions) {
    this.#readTables = options.readTables ?? readTcpTables;
    this.#alarm = new Alarm(options.clock, () => {
      if (!this.#isLooking) this.#lookOver = this.#look();
    });
  }

  /**
   * Tells the port that clients come to. A port of a client's may belong to another connection as well, to another server
   * of this host: one that lives would hide that a client has gone.
   */
  servesAt(localPort: number): void {
    this.#localPort = localPort;
  }

  /** Watches a client for as long as it waits. @param client Not watched if its address is not known. */
  watch(client: ClientAddress | undefined): WatchedClient {
    if (!client) return NOBODY;
    const left = new AbortController();
    const watched = { address: canonical(client.hostname), port: client.port, left, missingCount: 0 };
    this.#watched.add(watched);
    this.#alarm.ringBy(this.options.clock.monotonic() + LOOK_EVERY_MS);
    return { signal: left.signal, [Symbol.dispose]: () => void this.#watched.delete(watched) };
  }

  /** Looks no more. */
  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
    this.#watched.clear();
  }

  /** The same, and waits for the look that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#lookOver;
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (this.#watched.size === 0) return;
    this.#isLooking = true;
    const asked = [...this.#watched]; // who comes meanwhile may not be in the table yet
    const tables = await this.#readTables().catch(() => undefined);
    this.#isLooking = false;
    if (tables !== undefined) this.#judge(asked, tables);
    if (this.#watched.size === 0) return;
    const isAnyMissing = asked.some((watched) => watched.missingCount > 0 && this.#watched.has(watched));
    this.#alarm.ringBy(this.options.clock.monotonic() + (isAnyMissing ? LOOK_AGAIN_MS : LOOK_EVERY_MS));
  }

  #judge(asked: readonly Watched[], tables: string): void {
    const sockets = parseConnectionsFrom(tables, new Set(asked.map(({ port }) => port)));
    const own = sockets.filter(({ localPort }) => localPort === (this.#localPort ?? localPort));
    const states = Map.groupBy(own, ({ remote }) => remote);
    for (const watched of asked) {
      const seen = states.get(`${watched.address}:${watched.port}`);
      watched.missingCount = seen ? 0 : watched.missingCount + 1;
      const isGone = seen ? seen.every(isClosed) : watched.missingCount >= MISSING_LOOKS;
      if (isGone && this.#watched.delete(watched)) watched.left.abort(clientLeft());
    }
  }
}

function isClosed({ state }: TcpSocket): boolean {
  return state !== "established";
}

function clientLeft(): GatewayError {
  return new GatewayError("client_closed", "The client left before an answer began");
}

const NOBODY: WatchedClient = { signal: new AbortController().signal, [Symbol.dispose]: () => {} };

/** As the table writes it: IPv6 in eight groups, an IPv4 address in IPv6 form as IPv4. */
function canonical(hostname: string): string {
  if (!hostname.includes(":")) return hostname;
  const text = new URL(`http://[${hostname.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const [before = "", after] = text.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  const groups = after === undefined ? head : [...head, ...zeros, ...tail];
  const isMapped = groups.slice(0, 5).every((group) => group === "0") && groups[5] === "ffff";
  if (!isMapped) return groups.join(":");
  return groups.slice(6).map((group) => parseInt(group, 16)).flatMap((word) => [word >> 8, word & 255]).join(
    ".",
  );
}
