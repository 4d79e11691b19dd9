import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { Alarm } from "../registry/alarm.ts";

/** A request that was refused since its client showed no right key. */
export interface RefusedClient {
  /** Of the request. */
  readonly requestId: string;
  /** As it was asked for. */
  readonly method: string;
  /** The same. */
  readonly path: string;
  /** Where the client is, as far as that is known. */
  readonly address: string | undefined;
  /** Whether it showed a key that nobody knows, rather than none. */
  readonly hasUnknownKey: boolean;
  /** Of the answer. */
  readonly status: number;
  /** What it was told. */
  readonly error: Error;
}

/** At most one line in this time, ms. */
const LINE_EVERY_MS = 1_000;
/** Addresses that a line tells. */
const TOLD_ADDRESS_COUNT = 5;

/** Tells of clients without a right key: of the first one at once, and of those that follow once a second. */
export class RefusalLog implements Disposable {
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #alarm: Alarm;
  readonly #addresses = new Set<string>();
  #unknownKeyCount = 0;
  #noKeyCount = 0;
  #isQuiet = false;

  /** Says nothing yet. */
  constructor({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
    this.#logger = logger;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#tellSuppressed());
  }

  /** Takes note of one; writes a line, if there was none of late. */
  add(refused: RefusedClient): void {
    if (!this.#isQuiet) {
      this.#logger.warn("client without a right key refused", { ...refused });
      return this.#beQuiet();
    }
    const { address, hasUnknownKey } = refused;
    if (hasUnknownKey) this.#unknownKeyCount++;
    else this.#noKeyCount++;
    if (address !== undefined && this.#addresses.size < TOLD_ADDRESS_COUNT) this.#addresses.add(address);
  }

  /** Tells what is left to tell. */
  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
    this.#tellSuppressed();
  }

  #beQuiet(): void {
    this.#isQuiet = true;
    this.#alarm.ringBy(this.#clock.monotonic() + LINE_EVERY_MS);
  }

  #tellSuppressed(): void {
    const [unknownKeyCount, noKeyCount, addresses] = [
      this.#unknownKeyCount,
      this.#noKeyCount,
      [...this.#addresses],
    ];
    this.#isQuiet = false;
    if (unknownKeyCount + noKeyCount === 0) return;
    this.#unknownKeyCount = 0;
    this.#noKeyCount = 0;
    this.#addresses.clear();
    this.#logger.warn("more clients without a right key refused", { unknownKeyCount, noKeyCount, addresses });
    this.#beQuiet();
  }
}
