import { backOffMs } from "../back_off.ts";
import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { RedisAddress } from "./address.ts";
import { RedisConnection } from "./connection.ts";
import { readRegistrations, type RedisKeys } from "./keys.ts";
import { parseRegistration, type RegisteredByRedis } from "./registration.ts";

const INTERVAL_MS = 30_000;
/** For connecting and all that is read. */
const ROUND_TIMEOUT_MS = 10_000;
/** Whoever writes to Redis must not be able to fill our log. */
const MAX_WARNINGS = 20;

/** How a {@linkcode RedisSource} reads. */
export interface RedisSourceOptions {
  /** Where Redis is. */
  readonly address: RedisAddress;
  /** Hears one line a change: Redis can be read, cannot be read; and one a registration that makes no sense. */
  readonly logger: Logger;
  /** Times looks. Default: the host's. */
  readonly clock?: Clock;
  /** Between two looks, ms. Default 30 s. */
  readonly intervalMs?: number;
}

/**
 * Reads the rpc backends that the predecessor's `register_gpu_node.py` wrote into Redis, again and again. Never blocks
 * the gateway and never fails: a Redis that is down, hangs or is none is asked again, after 1 s at first and ever more
 * rarely, and what was read last stays valid meanwhile: of the backends its silence says nothing.
 *
 * Each look has a connection of its own, so that there is none to keep alive or to repair.
 */
export class RedisSource implements AsyncDisposable {
  readonly #options: Required<RedisSourceOptions>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #isUp: boolean | undefined;
  #delivered: string | undefined;
  #warned = new Set<string>();

  /** Does nothing before {@linkcode RedisSource.start}. */
  constructor({ clock = systemClock, intervalMs = INTERVAL_MS, ...options }: RedisSourceOptions) {
    this.#options = { clock, intervalMs, ...options };
  }

  /**
   * Begins to look, once.
   *
   * @param onBackends Gets all registrations, at most 1,000, after the first look and whenever they have changed. Must
   *   not throw.
   */
  start(onBackends: (backends: readonly RegisteredByRedis[]) => void): void {
    this.#running ??= this.#run(onBackends);
  }

  /** Stops, and returns when the connection is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(onBackends: (backends: readonly RegisteredByRedis[]) => void): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const { signal } = this.#stop;
    for (let failureCount = 0; !signal.aborted;) {
      const keys = await this.#look();
      if (signal.aborted) return;
      failureCount = keys ? 0 : failureCount + 1;
      if (keys) this.#deliver(this.#sift(keys), onBackends);
      const pauseMs = keys ? intervalMs : Math.min(intervalMs, backOffMs(failureCount));
      await clock.sleep(pauseMs, { signal }).catch(() => {}); // only the stop ends it early
    }
  }

  async #look(): Promise<RedisKeys | undefined> {
    const { address, clock } = this.#options;
    const reason = () => new Error(`no answer within ${ROUND_TIMEOUT_MS / 1_000} s`);
    using deadline = new Deadline(clock, ROUND_TIMEOUT_MS, { signal: this.#stop.signal, reason });
    try {
      using connection = await RedisConnection.open(address, deadline.signal);
      const keys = await readRegistrations(connection);
      this.#tellState(true, { registrationCount: keys.values.size });
      return keys;
    } catch (error) {
      const why = deadline.signal.aborted ? deadline.signal.reason : error;
      if (!this.#stop.signal.aborted) this.#tellState(false, { reason: this.#masked(messageOf(why)) });
      return undefined;
    }
  }

  #tellState(isUp: boolean, fields: Record<string, unknown>): void {
    const { logger, address } = this.#options;
    const redis = String(address);
    if (isUp && !this.#isUp) logger.info("redis is read", { redis, ...fields });
    if (!isUp && this.#isUp !== false) {
      const todo = "start Redis, correct redis_url, or leave it out; nothing else waits for it";
      logger.warn("redis cannot be read", { redis, ...fields, todo });
    }
    this.#isUp = isUp;
  }

  /** Servers repeat the arguments of commands that they do not know, and one of ours is a password. */
  #masked(message: string): string {
    const password = this.#options.address.reveal()?.password;
    return password ? message.replaceAll(password, "***") : message;
  }

  /** What makes sense, by endpoint; of the rest each is told once, until it is gone. */
  #sift({ values, isCut }: RedisKeys): RegisteredByRedis[] {
    const warnings = new Map<string, Record<string, unknown>>();
    if (isCut) warnings.set("", { reason: `there are more than ${values.size}; the others are not read` });
    const backends = [...values].flatMap(([key, value]) => {
      try {
        if (value instanceof Error) throw new RangeError(`its value is no text: ${value.message}`);
        return [parseRegistration(key, value)];
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        warnings.set(key, { key: key.slice(0, 200), reason: error.message });
        return [];
      }
    });
    this.#warn(warnings);
    return backends.sort((a, b) => a.endpoint < b.endpoint ? -1 : 1);
  }

  #warn(warnings: ReadonlyMap<string, Record<string, unknown>>): void {
    const { logger, address } = this.#options;
    const fresh = [...warnings].filter(([key]) => !this.#warned.has(key)).map(([, fields]) => fields);
    for (const fields of fresh.slice(0, MAX_WARNINGS)) {
      logger.warn("redis registration skipped", { redis: String(address), ...fields });
    }
    const untold = fresh.length - MAX_WARNINGS;
    if (untold > 0) {
      logger.warn("more redis registrations skipped", { redis: String(address), count: untold });
    }
    this.#warned = new Set(warnings.keys());
  }

  /** Hands over what has changed since the last time. */
  #deliver(
    backends: readonly RegisteredByRedis[],
    onBackends: (backends: readonly RegisteredByRedis[]) => void,
  ): void {
    const now = JSON.stringify(backends);
    if (now === this.#delivered) return;
    this.#delivered = now;
    onBackends(backends);
  }
}
