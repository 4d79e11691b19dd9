import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import { clientOf } from "../serving/client_of.ts";
import type { Client } from "./client.ts";

/** What {@linkcode ClientLimits} goes by. */
export interface ClientLimitsOptions {
  /** For clients whose key says nothing else; read at each request. */
  readonly config: {
    readonly limits: Pick<Config["limits"], "clientConcurrency" | "clientRequestsPerMinute">;
  };
  /** Only the monotonic one is looked at. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** By what clients are told from each other. */
export type Counted = Pick<Client, "key" | "address">;

/** Leave for a request; it is under way until disposal. */
export interface Admission extends Disposable {
  /** How many of the requests that it is made of may be under way at a time. */
  readonly placeCount: number;
}

/** Clients that are remembered before those are looked for that may be forgotten. */
const REMEMBERED_COUNT = 1_000;
const MINUTE_MS = 60_000;
/** Far below one request, far above what sums of fractions go wrong by. */
const ROUNDING = 1e-6;

/** How many requests for models each client makes: by its key, or else by its address, an IPv6 one by its /64. */
export class ClientLimits {
  readonly #options: ClientLimitsOptions;
  readonly #uses = new Map<string, Use>();
  #sweepAtCount = REMEMBERED_COUNT;

  /** Nobody has asked anything yet. */
  constructor(options: ClientLimitsOptions) {
    this.#options = options;
  }

  /**
   * Lets a request in; until disposal it is under way. One that is made of several takes as many places as are left, if it
   * can use them.
   *
   * @param count How many requests for models it is made of.
   * @throws {GatewayError} `rate_limited` if there are too many under way, or were too many of late; nothing is counted
   *   then. `invalid_request` if it alone is more than the rate allows.
   * @returns `undefined` if nothing is counted, for its client has no limits.
   */
  admit(client: Counted, count = 1): Admission | undefined {
    const { concurrency, perMinute } = this.#limitsOf(client);
    if (concurrency === undefined && perMinute === undefined) return undefined;
    const use = this.#useOf(client);
    if (concurrency !== undefined && use.underWayCount >= concurrency.most) {
      throw tooManyAtATime(client, use.underWayCount, concurrency);
    }
    if (perMinute !== undefined) this.#take(use, { client, count, perMinute });
    return placesIn(use, Math.min(count, (concurrency?.most ?? Infinity) - use.underWayCount));
  }

  /** How many clients it remembers. */
  get rememberedCount(): number {
    return this.#uses.size;
  }

  #limitsOf(
    { key }: Counted,
  ): { readonly concurrency?: Limit | undefined; readonly perMinute?: Limit | undefined } {
    const { clientConcurrency, clientRequestsPerMinute } = this.#options.config.limits;
    return {
      concurrency: ownLimit(key?.concurrency, "concurrency") ??
        usualLimit(clientConcurrency, "client_concurrency"),
      perMinute: ownLimit(key?.requestsPerMinute, "requests_per_minute") ??
        usualLimit(clientRequestsPerMinute, "client_requests_per_minute"),
    };
  }

  /** A bucket that fills evenly: a full minute's worth may come at once, then no more than the rate. */
  #take(
    use: Use,
    { client, count, perMinute }: { client: Counted; count: number; perMinute: Limit },
  ): void {
    const { most } = perMinute;
    if (count > most) throw tooManyAtOnce(client, count, perMinute);
    const nowMs = this.#options.clock.monotonic();
    use.spent = Math.max(0, use.spent - (nowMs - use.atMs) * most / MINUTE_MS);
    use.atMs = nowMs;
    const excess = use.spent + count - most;
    if (excess > ROUNDING) throw tooManyOfLate(client, perMinute, excess * MINUTE_MS / most);
    use.spent += count;
  }

  #useOf(client: Counted): Use {
    const id = client.key ? `key ${client.key.name}` : `address ${clientOf(client.address ?? "")}`;
    const known = this.#uses.get(id);
    if (known) return known;
    if (this.#uses.size >= this.#sweepAtCount) this.#sweep();
    const use = { underWayCount: 0, spent: 0, atMs: this.#options.clock.monotonic() };
    this.#uses.set(id, use);
    return use;
  }

  /** Who has asked nothing for a minute has its whole rate again, whatever that is. */
  #sweep(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const [id, use] of this.#uses) {
      if (use.underWayCount === 0 && nowMs - use.atMs >= MINUTE_MS) this.#uses.delete(id);
    }
    this.#sweepAtCount = Math.max(REMEMBERED_COUNT, 2 * this.#uses.size);
  }
}

/** What a client has used of its limits. */
interface Use {
  underWayCount: number;
  /** Requests that still count. */
  spent: number;
  /** When that was reckoned, monotonic ms. */
  atMs: number;
}

/** How many, and what the operator calls that. */
interface Limit {
  readonly most: number;
  readonly setting: string;
}

function ownLimit(most: number | undefined, setting: string): Limit | undefined {
  return most === undefined ? undefined : { most, setting: `${setting} of the key` };
}

function usualLimit(most: number | undefined, setting: string): Limit | undefined {
  return most === undefined ? undefined : { most, setting: `limits.${setting}` };
}

function placesIn(use: Use, placeCount: number): Admission {
  use.underWayCount += placeCount;
  let isOver = false;
  return {
    placeCount,
    [Symbol.dispose]: () => {
      if (!isOver) use.underWayCount -= placeCount;
      isOver = true;
    },
  };
}

function tooManyAtATime(
  client: Counted,
  underWayCount: number,
  { most, setting }: Limit,
): GatewayError {
  const message =
    `${
      nameOf(client)
    } has ${underWayCount} of at most ${most} requests under way (${setting}); wait until one has ` +
    "ended, or have the operator raise that";
  return new GatewayError("rate_limited", message);
}

function tooManyOfLate(
  client: Counted,
  { most, setting }: Limit,
  waitMs: number,
): GatewayError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000 - ROUNDING));
  const message = `${nameOf(client)} has made its ${most} requests of a minute (${setting}); ask again in ` +
    `${retryAfterSeconds} s, or have the operator raise that`;
  return new GatewayError("rate_limited", message, { retryAfterSeconds });
}

function tooManyAtOnce(
  client: Counted,
  count: number,
  { most, setting }: Limit,
): GatewayError {
  const message =
    `${
      nameOf(client)
    } may make ${most} requests in a minute (${setting}), and these are ${count} at once; send at ` +
    `most ${most}, or have the operator raise that`;
  return new GatewayError("invalid_request", message, { field: "requests" });
}

function nameOf({ key, address }: Counted): string {
  if (key) return `The key "${key.name}"`;
  return address === undefined ? "This client" : `The client at ${address}`;
}
