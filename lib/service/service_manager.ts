import { type Clock, systemClock } from "../clock.ts";
import type { Environment } from "../config/environment.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { readMonotonicUsec } from "./monotonic_time.ts";
import { formatNotice, type Notice } from "./notice.ts";
import { type NoticeSink, openNotifySocket } from "./notify_socket.ts";
import { Watchdog, watchdogMsOf } from "./watchdog.ts";

/** How we are, in one sentence, now; must not throw. */
export type DescribeStatus = () => string;

/** What a {@linkcode ServiceManager} works with. */
export interface ServiceManagerOptions {
  /** Whether there is one is read from it. */
  readonly env: Environment;
  /** Hears that it cannot be told. */
  readonly logger: Logger;
  /** Times sentences and beats. Default: the host's. */
  readonly clock?: Clock;
  /** Of this process. Default: its own. */
  readonly pid?: number;
  /** Opens the way to it. Default: its socket. */
  readonly open?: (name: string) => NoticeSink;
}

/** The sentence is looked at so often: what changes more often is told once in that time, ms. */
const LOOK_EVERY_MS = 1_000;
/** So long its socket may be full, ms: nobody's end waits for that. */
const LAST_WORDS_MS = 1_000;

/**
 * Whoever started this process and wants to hear how it is, such as systemd. Where nobody does, nothing is done. Trouble
 * in telling it is a line in the log, never an error.
 *
 * @see sd_notify(3)
 */
export class ServiceManager implements AsyncDisposable {
  readonly #sink: NoticeSink | undefined;
  readonly #options: Required<ServiceManagerOptions>;
  readonly #closing = new AbortController();
  #told: Promise<void> = Promise.resolve();
  #toldStatus = "";
  #describe: DescribeStatus | undefined;
  #following: Promise<void> | undefined;
  #isOutOfReach = false;
  #isServing = false;

  /** Tells nothing yet. */
  constructor(options: ServiceManagerOptions) {
    this.#options = { clock: systemClock, pid: Deno.pid, open: openNotifySocket, ...options };
    this.#sink = this.#open();
  }

  /** Whether somebody hears us. */
  get isThere(): boolean {
    return this.#sink !== undefined;
  }

  /** How we are before we serve; told again whenever that changes. */
  starting(describe: DescribeStatus): void {
    this.#tellWith({}, describe);
  }

  /** We serve from here on. */
  ready(describe: DescribeStatus): void {
    this.#isServing = true;
    this.#tellWith({ ready: true }, describe);
  }

  /** The configuration is read again, until {@linkcode reloaded}: every one must be followed by that. */
  reloading(): void {
    if (this.#isServing) void this.#tell({ reloading: { atUsec: this.#sink && readMonotonicUsec() } });
  }

  /** It was read, whether or not it was taken. Who does not serve, not yet or not any more, is not ready by that. */
  reloaded(): void {
    if (this.#isServing) void this.#tell({ ready: true, ...this.#newStatus() });
  }

  /** We end from here on. */
  stopping(describe: DescribeStatus): void {
    this.#isServing = false;
    this.#tellWith({ stopping: true }, describe);
  }

  /**
   * Has us killed if we are not alive any more, for as long as it is not disposed of.
   *
   * @param isAlive See {@linkcode Watchdog}.
   */
  watch(isAlive: (signal: AbortSignal) => Promise<boolean>): AsyncDisposable {
    const { env, pid, clock, logger } = this.#options;
    const intervalMs = watchdogMsOf(env, pid);
    if (!this.#sink || intervalMs === undefined) return NOT_WATCHED;
    return new Watchdog({ intervalMs, isAlive, clock, logger, beat: () => this.#tell({ watchdog: true }) });
  }

  /** Waits a moment for what was not heard yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#following;
    const stop = new AbortController();
    const patience = this.#options.clock.sleep(LAST_WORDS_MS, { signal: stop.signal }).catch(() => {});
    await Promise.race([this.#told, patience]);
    stop.abort();
    this.#sink?.[Symbol.dispose]();
  }

  #open(): NoticeSink | undefined {
    const { env: { NOTIFY_SOCKET: name }, open, logger } = this.#options;
    if (!name) return undefined;
    try {
      return open(name);
    } catch (error) {
      logger.warn("service manager is not told how we are", {
        notifySocket: name,
        reason: messageOf(error),
        todo: "set Type=exec and no WatchdogSec= in the unit",
      });
      return undefined;
    }
  }

  #tellWith(notice: Notice, describe: DescribeStatus): void {
    this.#describe = describe;
    void this.#tell({ ...notice, ...this.#newStatus() });
    this.#following ??= this.#sink && this.#follow();
  }

  /** Never rejects. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#options.clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => {});
      if (!signal.aborted) this.#tellStatus();
    }
  }

  #tellStatus(): void {
    const notice = this.#newStatus();
    if (notice.status !== undefined) void this.#tell(notice);
  }

  /** The sentence, if it is another one than before. */
  #newStatus(): Notice {
    const status = this.#describe?.() ?? "";
    if (!this.#sink || status === this.#toldStatus) return {};
    this.#toldStatus = status;
    return { status };
  }

  /** In this order; never rejects. */
  #tell(notice: Notice): Promise<void> {
    return this.#told = this.#told.then(() => this.#send(notice));
  }

  async #send(notice: Notice): Promise<void> {
    try {
      await this.#sink?.send(formatNotice(notice));
      this.#isOutOfReach = false;
    } catch (error) {
      if (!this.#isOutOfReach) {
        this.#options.logger.warn("service manager was not told", {
          notice: { ...notice },
          reason: messageOf(error),
        });
      }
      this.#isOutOfReach = true;
    }
  }
}

const NOT_WATCHED: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };
