import { type Clock, systemClock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { HttpClient } from "../http/client.ts";
import type { HttpError } from "../http/error.ts";
import type { Logger } from "../log.ts";
import { Alarm } from "../registry/alarm.ts";
import { untilAborted } from "../until_aborted.ts";
import { KnownHolders } from "./known_holders.ts";
import type { KnownNode, NodeEvent, NodeLease, NodeModel, NodePool, NodeSummary, NodeView } from "./node.ts";
import { NodeBook } from "./node_book.ts";
import { type NodeFinding, notReached } from "./node_check.ts";
import { NodeChecks } from "./node_checks.ts";
import { type LeaseOwner, OpenNodeLease } from "./node_lease.ts";
import { NodeRecord } from "./node_record.ts";
import { NodeReporter } from "./node_reporter.ts";
import type { NodeSettings } from "./node_settings.ts";
import { summaryOf, viewOf } from "./node_view.ts";

/** What the operator may change while the nodes are watched. */
export interface NodeWatch {
  /** Between two checks of a node that is up, ms. */
  readonly checkEveryMs: number;
  /** For how long nothing may be heard of a node until the requests that it has are given up, ms. */
  readonly stallMs: number;
}

/** How {@linkcode NodeRegistry} works. */
export interface NodeRegistryOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Gets a line for each change of health or breaker. */
  readonly logger: Logger;
  /** Time. Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** What the operator wants now; read anew each time. */
  readonly settings: () => NodeWatch;
  /** Is told of each change of health or breaker. Must not throw. */
  readonly onEvent?: (event: NodeEvent) => void;
  /** Is told when what a node holds has changed. Must not throw. */
  readonly onModels?: (node: KnownNode) => void;
  /**
   * Is told what a node lists at each check that ended well, by its URL and by canonical keys: the same object as long as
   * that is the same. Must not throw.
   */
  readonly onListed?: (url: string, models: ReadonlyMap<string, NodeModel>) => void;
  /** What the node with this URL held before a restart; `undefined` if nobody knows. Must not throw. */
  readonly recall?: (url: string) => readonly NodeModel[] | undefined;
}

/** For how long the first answers are waited for, ms; a check takes 2 s at most. */
const FIRST_ANSWERS_MS = 2_500;
/** Evidence of trouble has one checked that is known for longer than this, ms. */
const DOUBTED_AFTER_MS = 1_000;

/**
 * The Ollama nodes: the one owner of what is known of them, and of who uses them.
 *
 * They are checked in the background, never for a request: whatever a request reads or takes is in memory. What requests
 * meet overrules what checks found, a check under way included.
 */
export class NodeRegistry implements NodePool, AsyncDisposable {
  readonly #options: NodeRegistryOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #random: () => number;
  readonly #alarm: Alarm;
  readonly #checks: NodeChecks;
  readonly #holders: KnownHolders;
  readonly #reporter: NodeReporter;
  readonly #listeners = new Set<() => void>();
  readonly #leaseOwner: LeaseOwner;
  /** What was told of the memory of nodes, by URL. */
  #toldMemory: ReadonlyMap<string, number> = new Map();
  readonly #book = new NodeBook();
  #turn = 0;

  /** Knows no node, and asks nobody yet: see {@linkcode apply} and {@linkcode start}. */
  constructor(options: NodeRegistryOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger;
    this.#random = options.random ?? Math.random;
    this.#holders = new KnownHolders(options.logger);
    this.#reporter = new NodeReporter(options.logger, options.onEvent);
    this.#alarm = new Alarm(this.#clock, () => this.#startDue());
    this.#checks = new NodeChecks({
      http: options.http,
      logger: this.#logger,
      clock: this.#clock,
      isWatched: (record) => this.#book.isWatched(record),
      learn: (record, finding, startedMs) => this.#learn(record, finding, startedMs),
    });
    this.#leaseOwner = {
      clock: this.#clock,
      random: this.#random,
      tell: (record, change) => this.#tell(record, change),
      notReached: (record, error) => this.#notReached(record, error),
      doubt: (record) => this.#doubt(record),
      askAnew: (record) => this.#askAnew(record),
      released: (record) => this.#released(record),
    };
  }

  /** Those of the last {@linkcode apply}, in its order. */
  get nodes(): readonly KnownNode[] {
    return this.#book.nodes;
  }

  /** Those that were never asked what they hold, neither since the start nor, as far as is remembered, before. */
  get unaskedNodes(): readonly KnownNode[] {
    return this.#holders.unasked;
  }

  /** Asks all at once, and from then on in their rhythm. Resolves when all were asked once, after 2.5 s at most; never rejects. */
  async start(): Promise<void> {
    this.#checks.start();
    using deadline = new Deadline(this.#clock, FIRST_ANSWERS_MS);
    await Promise.race([this.#checks.askAll(this.#book.nodes), untilAborted(deadline.signal)]);
  }

  /**
   * Takes another list. What is known of the nodes that stay is kept. One that goes gets nothing new, and finishes what
   * it has.
   *
   * @param list Each URL and each name once.
   * @throws {RangeError} If a URL is no upstream's; nothing has changed then.
   */
  apply(list: readonly NodeSettings[]): void {
    const { came, went } = this.#book.replace(list, (settings) => this.#newRecord(settings));
    const { nodes } = this.#book;
    for (const [at, record] of nodes.entries()) this.#configure(record, list[at]!);
    for (const record of went) this.#remove(record);
    this.#holders.replace(nodes);
    for (const record of came) this.#tellKnown(record);
    this.#notify();
  }

  /**
   * Asks all, or those of these names, now. Resolves when they have answered, or are known not to.
   *
   * @throws The signal's reason.
   */
  async refresh({ names, signal }: { names?: readonly string[]; signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const wanted = this.#book.nodes.filter(({ name }) => names === undefined || names.includes(name));
    await Promise.race([this.#checks.askAll(wanted), untilAborted(signal)]);
    signal.throwIfAborted();
  }

  /** Those that hold a model, up or down, by its key, in the order of the nodes; costs nothing. */
  holdersOf(key: string): readonly KnownNode[] {
    return this.#holders.of(key);
  }

  /** Takes a slot in the same step in which it was chosen. @returns `undefined` if it has none left, or is no longer sound. */
  lease(node: KnownNode, key: string): NodeLease | undefined {
    const record = this.#book.nodeAt(node.url);
    if (record !== node || !record.isSound || record.inFlightCount >= record.slotCount) return undefined;
    const pass = record.traffic.pass();
    if (!pass) return undefined;
    record.lastTurn = ++this.#turn;
    const lease = new OpenNodeLease(record, key, pass, this.#leaseOwner);
    record.settle(); // there is one trial at a time
    return lease;
  }

  /** Each, for people, with all that it holds. */
  views(): NodeView[] {
    const nowMs = this.#clock.monotonic();
    return this.#book.nodes.map((record) => viewOf(record, nowMs));
  }

  /** Each, for people, in few words: costs little, however many models they hold. */
  summaries(): NodeSummary[] {
    const nowMs = this.#clock.monotonic();
    return this.#book.nodes.map((record) => summaryOf(record, nowMs));
  }

  /**
   * Takes what is known from elsewhere of the memory of all nodes, in the place of what was told before; it counts where
   * the settings say nothing.
   *
   * @param bytesByUrl By the URL of a node, or one of its aliases; it may become known later. Not to be changed then.
   */
  setMemories(bytesByUrl: ReadonlyMap<string, number>): void {
    this.#toldMemory = bytesByUrl;
    const changed = this.#book.nodes.filter((record) => this.#tellMemory(record));
    if (changed.length > 0) this.#notify();
  }

  /** Calls back whenever a slot may have become free, or a node's health or models have changed; until disposal. Must not throw. */
  onChange(listener: () => void): Disposable {
    const own = () => listener(); // so that a listener given twice is called twice, and disposed once
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Ends all checks. Requests in flight stay their senders' to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    await this.#checks[Symbol.asyncDispose]();
  }

  #newRecord(settings: NodeSettings): NodeRecord {
    const record = new NodeRecord(settings, this.#clock);
    const models = this.#options.recall?.(settings.url);
    if (models) record.holdings.recall(models);
    return record;
  }

  #configure(record: NodeRecord, settings: NodeSettings): void {
    const isAskedOtherwise = record.configure(settings);
    this.#tellMemory(record);
    if (isAskedOtherwise) this.#askAnew(record);
    else this.#arm(record);
  }

  /** @returns Whether its memory is another one now. */
  #tellMemory(record: NodeRecord): boolean {
    const told = [record.url, ...record.settings.aliases].map((url) => this.#toldMemory.get(url));
    return record.tellMemory(told.find((bytes) => bytes !== undefined));
  }

  #remove(record: NodeRecord): void {
    record.remove();
    if (!this.#book.isWatched(record)) this.#checks.cancel(record);
  }

  #released(record: NodeRecord): void {
    if (this.#book.releaseIdle(record)) this.#checks.cancel(record);
    this.#notify();
  }

  #startDue(): void {
    const nowMs = this.#clock.monotonic();
    for (const record of this.#book.watched) {
      if (record.dueMs <= nowMs) this.#tell(record, () => record.advance(nowMs));
      else this.#arm(record);
    }
  }

  /** Sees to it that time does its work on it. */
  #arm(record: NodeRecord): void {
    this.#alarm.ringBy(record.dueMs);
    const { nextCheckMs } = record.pulse;
    if (nextCheckMs > this.#clock.monotonic()) this.#alarm.ringBy(nextCheckMs);
    else this.#checks.askSoon(record, { isUrgent: false });
  }

  #askAnew(record: NodeRecord): void {
    this.#checks.cancel(record);
    this.#checks.askSoon(record, { isUrgent: true });
  }

  #doubt(record: NodeRecord): void {
    const ageMs = record.pulse.ageMs(this.#clock.monotonic()) ?? Infinity;
    if (ageMs > DOUBTED_AFTER_MS) this.#checks.askSoon(record, { isUrgent: true });
  }

  #notReached(record: NodeRecord, error: HttpError): void {
    this.#checks.cancel(record);
    this.#learn(record, notReached(error), this.#clock.monotonic());
  }

  #learn(record: NodeRecord, finding: NodeFinding, startedMs: number): void {
    const { checkEveryMs, stallMs } = this.#options.settings();
    const moment = { startedMs, nowMs: this.#clock.monotonic(), random: this.#random(), checkEveryMs };
    this.#tell(record, () => record.learn(finding, moment));
    const { listed } = record.holdings;
    if (finding.health === "up" && listed) this.#options.onListed?.(record.url, listed.models);
    const loss = record.lossAfter(stallMs);
    // They may be at work there still, so nobody else is asked.
    if (loss) { for (const request of record.requests.keys()) request.abort(loss); }
  }

  /** Changes what is known; then tells whoever wants to know, and sees to what time will do. */
  #tell(record: NodeRecord, change: () => void): void {
    const { health, breaker, isSound, models } = record;
    change();
    if (!this.#book.isWatched(record)) return; // a lease tells of one that has left already
    record.settle();
    if (record.models !== models) this.#tellModels(record, models);
    this.#reporter.tell(record, { health, breaker });
    this.#arm(record);
    if (record.isSound !== isSound || record.models !== models || record.health !== health) this.#notify();
  }

  #tellModels(record: NodeRecord, before: NodeRecord["models"]): void {
    if (!this.#book.isNode(record)) return;
    this.#holders.update(record, before);
    this.#options.onModels?.(record);
  }

  /** A node that has come (again) may be known already. */
  #tellKnown(record: NodeRecord): void {
    if (record.models.size > 0) this.#options.onModels?.(record);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
