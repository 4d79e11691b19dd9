import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import { CheckQueue } from "../registry/check_queue.ts";
import { checkNode, type NodeFinding } from "./node_check.ts";
import type { NodeRecord } from "./node_record.ts";

/** What {@linkcode NodeChecks} works with. */
export interface NodeChecksParts {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Gets what must not happen. */
  readonly logger: Logger;
  /** Time. */
  readonly clock: Clock;
  /** Whether a record is still somebody's: others are not asked. */
  readonly isWatched: (record: NodeRecord) => boolean;
  /** Takes what a check found that was started so on the monotonic clock. Not called for one that was cancelled. */
  readonly learn: (record: NodeRecord, finding: NodeFinding, startedMs: number) => void;
}

/** Most checks at once: so many that twenty nodes which are switched off keep nobody from being seen to come back. */
const MAX_CHECKS = 64;

/**
 * The checks of nodes: one at a time for each, a bounded number together. Before {@linkcode start} only those are asked for
 * whom somebody waits.
 */
export class NodeChecks implements AsyncDisposable {
  readonly #parts: NodeChecksParts;
  readonly #queue: CheckQueue<NodeRecord>;
  #isStarted = false;

  /** Asks nobody yet. */
  constructor(parts: NodeChecksParts) {
    this.#parts = parts;
    this.#queue = new CheckQueue((record, signal) => this.#check(record, signal), () => MAX_CHECKS);
  }

  /** From now on nodes are asked. */
  start(): void {
    this.#isStarted = true;
  }

  /** Has a node asked in the background; an urgent one before others. */
  askSoon(record: NodeRecord, { isUrgent }: { readonly isUrgent: boolean }): void {
    if (this.#isStarted && this.#parts.isWatched(record)) void this.#ask(record, isUrgent);
  }

  /** Has these asked before others. Resolves when all checks have ended or were cancelled. */
  async askAll(records: readonly NodeRecord[]): Promise<void> {
    await Promise.all(records.map((record) => this.#ask(record, true)));
  }

  /** Whatever a check that runs will find counts for nothing. */
  cancel(record: NodeRecord): void {
    this.#queue.cancel(record);
  }

  /** Ends all checks, and asks no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStarted = false;
    await this.#queue[Symbol.asyncDispose]();
  }

  #ask(record: NodeRecord, isUrgent: boolean): Promise<void> {
    return this.#queue.ask(record, { isQuick: record.health === "up", isUrgent });
  }

  async #check(record: NodeRecord, signal: AbortSignal): Promise<void> {
    const { http, logger, clock, learn } = this.#parts;
    const startedMs = clock.monotonic();
    try {
      const finding = await checkNode(record, { http, clock, signal, known: record.holdings.listed });
      if (!signal.aborted) learn(record, finding, startedMs);
    } catch (error) {
      if (signal.aborted) return;
      logger.error("ollama node check failed", { node: record.name, url: record.url, error });
      const reason = `it cannot be checked: ${messageOf(error)}; see the log`;
      learn(record, { health: "down", reason, cause: "unfit" }, startedMs);
    }
  }
}
