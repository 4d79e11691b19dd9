import { fail } from "node:assert/strict";
import { RedisAddress } from "../../../lib/redis/address.ts";
import type { RegisteredByRedis } from "../../../lib/redis/registration.ts";
import { RedisSource } from "../../../lib/redis/source.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";
import { until } from "../../fixtures/until.ts";

/** How long one attempt may take. */
export const ATTEMPT_MS = 10_000;

/** A clock that remembers what was waited for. */
class RecordingClock extends FakeClock {
  readonly sleepsMs: number[] = [];

  override sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void> {
    this.sleepsMs.push(ms);
    return super.sleep(ms, options);
  }
}

/** A source under test, with all that it told. */
export class RedisBed implements AsyncDisposable {
  readonly clock = new RecordingClock();
  readonly log = new RecordedLog();
  readonly told: (readonly RegisteredByRedis[])[] = [];
  readonly #source: RedisSource;

  constructor(url: string) {
    this.#source = new RedisSource({
      address: RedisAddress.parse(url),
      logger: this.log.logger,
      clock: this.clock,
    });
    this.#source.start((backends) => this.told.push(backends));
  }

  get endpoints(): string[] | undefined {
    return this.told.at(-1)?.map(({ endpoint }) => endpoint);
  }

  /** Lets time pass, but not while an attempt is under way, unless that hangs: else it would end for want of time. */
  async untilTrue(isTrue: () => boolean, { hangs = false } = {}): Promise<void> {
    const look = (): boolean => {
      const isAttempting = this.clock.sleepsMs.at(-1) === ATTEMPT_MS;
      if (!isTrue() && (hangs || !isAttempting)) this.clock.advance(1_000);
      return isTrue();
    };
    await until(look, isTrue.toString()).catch((error) => {
      fail(`${error.message}; told ${JSON.stringify(this.told)}, logged ${JSON.stringify(this.log.lines)}`);
    });
  }

  /** Until there are so many lines. */
  async untilSaid(count: number, options?: { hangs: boolean }): Promise<void> {
    await this.untilTrue(() => this.log.lines.length >= count, options);
  }

  /** Until the backends were told so many times. */
  async untilTold(count: number): Promise<void> {
    await this.untilTrue(() => this.told.length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
