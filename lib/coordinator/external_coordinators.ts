import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { messageOf } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { Logger } from "../log.ts";
import { Alarm } from "../registry/alarm.ts";
import { CheckQueue } from "../registry/check_queue.ts";
import { untilAborted } from "../until_aborted.ts";
import { ExternalCoordinator, type ExternalFacts, type ExternalView } from "./external.ts";
import {
  checkExternal,
  type ExternalFinding,
  type ExternalTarget,
  keyRefused,
  notReached,
} from "./external_check.ts";
import { chooseExternal, whyChosen } from "./external_choice.ts";
import type { ExternalSettings } from "./external_settings.ts";

/** How {@linkcode ExternalCoordinators} works. */
export interface ExternalCoordinatorsOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Gets a line for each change of health. */
  readonly logger: Logger;
  /** Time; only the monotonic one is looked at. Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
}

/** The right to send one request to a coordinator of others; it counts as in flight there until disposal. */
export interface ExternalLease extends Disposable {
  /** Where to send it, and with what. */
  readonly external: ExternalTarget;
  /** Why this one, in a sentence; `undefined` if no other could be chosen. */
  readonly because: string | undefined;
  /** Aborts when the request is not to be waited for any longer, since the coordinator hangs; the reason says so. Never after disposal. */
  readonly lost: AbortSignal;
  /** Evidence from use: the head of an answer has come. */
  reportAnswer(status: number): void;
  /** Evidence from use: more of an answer has come. */
  reportBytes(): void;
  /** Evidence from use: the request failed. What was not sent shows that the coordinator is down. */
  reportFailure(thrown: unknown): void;
}

/** Most checks at once. */
const MAX_CHECKS = 16;
/** For how long the first answers are waited for, ms; a check takes 2 s at most. */
const FIRST_ANSWERS_MS = 2_500;
/** Evidence of trouble has one checked that is known for longer than this, ms. */
const DOUBTED_AFTER_MS = 1_000;

/**
 * The llama-servers that others start and stop: the one owner of what is known of them, and of who uses them.
 *
 * They are checked in the background, never for a request: facts and views read memory only. What requests meet
 * overrules what checks found, a check under way included.
 */
export class ExternalCoordinators implements AsyncDisposable {
  readonly #http: Pick<HttpClient, "send">;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #alarm: Alarm;
  readonly #queue: CheckQueue<ExternalCoordinator>;
  #externals: ReadonlyMap<string, ExternalCoordinator>;
  /** Not in the list any more, but at work for us. */
  readonly #leaving = new Set<ExternalCoordinator>();
  #turn = 0;

  /**
   * Asks nobody yet: see {@linkcode start}.
   *
   * @param list Each URL once, in the order in which equals are taken.
   * @throws {RangeError} If a URL is no upstream's.
   */
  constructor(list: readonly ExternalSettings[], options: ExternalCoordinatorsOptions) {
    const { http, logger, clock = systemClock, random = Math.random } = options;
    this.#http = http;
    this.#logger = logger;
    this.#clock = clock;
    this.#random = random;
    this.#externals = new Map(list.map((settings) => [settings.url, new ExternalCoordinator(settings)]));
    this.#alarm = new Alarm(clock, () => this.#startDue());
    this.#queue = new CheckQueue((external, signal) => this.#check(external, signal), () => MAX_CHECKS);
  }

  /** Asks all at once, and from then on in their rhythm. Resolves when all have answered, after 2.5 s at most; never rejects. */
  start(): Promise<void> {
    return this.#firstAnswers([...this.#externals.values()]);
  }

  /** How many there are. */
  get size(): number {
    return this.#externals.size;
  }

  /** What a decision needs of each, in the order of the configuration. */
  get facts(): ExternalFacts[] {
    return [...this.#externals.values()].map((external) => external.facts);
  }

  /** Each, for people. */
  views(): ExternalView[] {
    const nowMs = this.#clock.monotonic();
    return [...this.#externals.values()].map((external) => external.view(nowMs));
  }

  /** Names of the models that they serve, those that are down included. */
  get modelNames(): string[] {
    return [...new Set([...this.#externals.values()].flatMap(({ models }) => models))];
  }

  /**
   * Takes the least busy one that is up and serves the model, in one synchronous step.
   *
   * @param key Canonical key of the model.
   * @param excluded URLs of those that are not to be taken, because the request was in vain there.
   * @returns `undefined` if there is none.
   */
  acquire(key: string, excluded: ReadonlySet<string> = NONE): ExternalLease | undefined {
    const candidates = [...this.#externals.values()].filter(({ url, facts }) =>
      facts.health === "up" && facts.modelKeys.has(key) && !excluded.has(url)
    );
    const external = chooseExternal(candidates);
    if (!external) return undefined;
    const because = candidates.length > 1 ? whyChosen(external) : undefined;
    external.lastTurn = ++this.#turn;
    const request = new AbortController();
    external.requests.add(request);
    return {
      external,
      because,
      lost: request.signal,
      reportAnswer: (status) => this.#answered(external, status),
      reportBytes: () => external.heard(this.#clock.monotonic()),
      reportFailure: (thrown) => this.#failed(external, thrown),
      [Symbol.dispose]: () => this.#release(external, request),
    };
  }

  /**
   * Takes another list. What is known of those that stay is kept, and so are the requests in flight, also of those that
   * go. Resolves when those that are new or changed have answered, after 2.5 s at most; never rejects.
   *
   * @throws {RangeError} At once, if a URL is no upstream's; nothing has changed then.
   */
  apply(list: readonly ExternalSettings[]): Promise<void> {
    const before = this.#externals;
    const now = list.map((settings) => before.get(settings.url) ?? new ExternalCoordinator(settings));
    const changed = now.filter((external, at) => external.configure(list[at]!) || !before.has(external.url));
    this.#externals = new Map(now.map((external) => [external.url, external]));
    for (const external of before.values()) {
      if (changed.includes(external)) this.#queue.cancel(external);
      else if (!now.includes(external)) this.#dismiss(external);
    }
    return this.#firstAnswers(changed);
  }

  /** Ends all checks. Requests in flight stay their senders' to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    await this.#queue[Symbol.asyncDispose]();
  }

  #release(external: ExternalCoordinator, request: AbortController): void {
    external.requests.delete(request);
    if (this.#leaving.has(external)) this.#dismiss(external);
  }

  /** It stays watched for as long as it is at work for us. */
  #dismiss(external: ExternalCoordinator): void {
    if (external.inFlightCount > 0) return void this.#leaving.add(external);
    this.#leaving.delete(external);
    this.#queue.cancel(external);
  }

  async #firstAnswers(externals: readonly ExternalCoordinator[]): Promise<void> {
    using deadline = new Deadline(this.#clock, FIRST_ANSWERS_MS);
    const answers = externals.map((external) => this.#soon(external));
    await Promise.race([Promise.all(answers), untilAborted(deadline.signal)]);
  }

  #soon(external: ExternalCoordinator): Promise<void> {
    return this.#queue.ask(external, { isQuick: external.isQuick, isUrgent: true });
  }

  #startDue(): void {
    const nowMs = this.#clock.monotonic();
    for (const external of [...this.#externals.values(), ...this.#leaving]) {
      if (external.nextCheckMs > nowMs) this.#alarm.ringBy(external.nextCheckMs);
      else void this.#queue.ask(external, { isQuick: external.isQuick, isUrgent: false });
    }
  }

  async #check(external: ExternalCoordinator, signal: AbortSignal): Promise<void> {
    try {
      const finding = await checkExternal(external, { http: this.#http, clock: this.#clock, signal });
      if (!signal.aborted) this.#learn(external, finding);
    } catch (error) {
      if (signal.aborted) return;
      this.#logger.error("external coordinator check failed", { url: external.url, error });
      const reason = `it cannot be checked: ${messageOf(error)}; see the log`;
      this.#learn(external, { health: "down", reason, cause: "unfit" });
    }
  }

  #answered(external: ExternalCoordinator, status: number): void {
    if (!this.#isWatched(external)) return;
    external.heard(this.#clock.monotonic());
    if (status === 401) {
      this.#overrule(external, { health: "down", reason: keyRefused(external), cause: "unfit" });
    } else if (status >= 500) {
      this.#doubt(external);
    } else if (external.facts.health !== "up") {
      this.#queue.cancel(external);
      this.#tell(external, () => external.answered(this.#clock.monotonic()));
    }
  }

  #failed(external: ExternalCoordinator, thrown: unknown): void {
    if (!this.#isWatched(external) || !(thrown instanceof HttpError)) return;
    if (thrown.sent) this.#doubt(external);
    else this.#overrule(external, notReached(thrown));
  }

  /** Something may be wrong with it. */
  #doubt(external: ExternalCoordinator): void {
    const ageMs = external.ageMs(this.#clock.monotonic()) ?? Infinity;
    if (ageMs > DOUBTED_AFTER_MS) void this.#soon(external);
  }

  /** What is known from use is newer than what a check that runs will find. */
  #overrule(external: ExternalCoordinator, finding: ExternalFinding): void {
    this.#queue.cancel(external);
    this.#learn(external, finding);
  }

  #learn(external: ExternalCoordinator, finding: ExternalFinding): void {
    this.#tell(external, () => external.learn(finding, this.#clock.monotonic(), this.#random()));
  }

  /** Changes what is known, logs a change of health, and sees to the next check. */
  #tell(external: ExternalCoordinator, change: () => void): void {
    const from = external.facts.health;
    change();
    const { url, health: to, reason } = external.facts;
    if (from !== to) this.#logger.info("external coordinator health", { url, from, to, reason });
    this.#endLost(external);
    this.#alarm.ringBy(external.nextCheckMs);
  }

  /** Ends the requests of one that hangs. They may be at work there still, so nobody else is asked. */
  #endLost(external: ExternalCoordinator): void {
    const loss = external.lossAt(this.#clock.monotonic());
    if (loss) { for (const request of external.requests) request.abort(loss); }
  }

  #isWatched(external: ExternalCoordinator): boolean {
    return this.#externals.get(external.url) === external || this.#leaving.has(external);
  }
}

const NONE: ReadonlySet<string> = new Set();
