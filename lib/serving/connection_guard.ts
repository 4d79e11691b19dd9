import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { Alarm } from "../registry/alarm.ts";
import { readTcpTables } from "../process/tcp_tables.ts";
import { clientOf } from "./client_of.ts";
import {
  type BookedConnection,
  type ClientPatience,
  ConnectionBook,
  type ConnectionLimits,
} from "./connection_book.ts";
import type { ConnectionMetrics } from "./connection_metrics.ts";
import type { CloseReason } from "./front.ts";
import { ShedLog } from "./shed_log.ts";
import { unreadBytesByPort } from "./unread_answers.ts";

/** Limits may change: so often they are looked at while somebody waits, ms. */
const LOOK_EVERY_MS = 1_000;
/** However many become due one after the other, there is no look more often: it may take all of the kernel's table, ms. */
const LOOK_PAUSE_MS = 50;
/**
 * So many looks in a row have to find the same unread bytes before their client has stopped to read: while there is more
 * to send, the kernel's buffer is full again at each look, and may hold the very same number.
 */
const STOPPED_LOOKS = 3;

/** What of the configuration connections are held to. */
export interface FrontConfig {
  /** How many there may be. */
  readonly limits: ConnectionLimits;
  /** For how long each may be silent. */
  readonly timeouts: ClientPatience;
}

/** A connection that may have to be closed. */
export interface GuardedConnection {
  /** The client's port. */
  readonly remotePort: number;
  /** Closes it as soon as the request that is under way, if any, is answered and its answer was read. */
  leave(): void;
  /** Closes it now. */
  cut(): void;
}

/** A connection as the guard knows it. */
export type Guarded = BookedConnection<GuardedConnection>;

/** What a {@linkcode ConnectionGuard} works with. */
export interface GuardOptions {
  /** The limits; read anew each time. */
  readonly config: FrontConfig;
  /** Measures how long clients are silent. */
  readonly clock: Clock;
  /** Told at most once a second that connections had to go. */
  readonly logger: Logger;
  /** Counts. */
  readonly metrics: ConnectionMetrics;
  /** The kernel's tables of TCP sockets, as text; `undefined` where it has none. Default: those of Linux. */
  readonly readTables?: () => Promise<string | undefined>;
}

/** Holds the connections of clients to the limits of their number and of their silence, with one timer for all. */
export class ConnectionGuard implements AsyncDisposable {
  readonly #book = new ConnectionBook<GuardedConnection>();
  readonly #leaving = new WeakSet<Guarded>();
  readonly #unread = new WeakMap<Guarded, { readonly bytes: number; readonly sameCount: number }>();
  readonly #shed: ShedLog;
  readonly #alarm: Alarm;
  readonly #readTables: () => Promise<string | undefined>;
  #localPort: number | undefined;
  #isLooking = false;
  #lookOver = Promise.resolve();

  /** Guards nothing yet. */
  constructor(private readonly options: GuardOptions) {
    this.#shed = new ShedLog(options.logger);
    this.#readTables = options.readTables ?? readTcpTables;
    this.#alarm = new Alarm(options.clock, () => this.#sweep());
    options.metrics.observe(() => this.#book.openCount);
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#book.openCount;
  }

  /** Tells the port that clients come to. */
  servesAt(localPort: number): void {
    this.#localPort = localPort;
  }

  /** Whether somebody who has just connected may stay; another connection may have to go for it. */
  admits(hostname: string): boolean {
    const client = clientOf(hostname);
    const { isAdmitted, victim } = this.#book.admit(client, this.options.config.limits);
    if (victim) this.#cut(victim, "replaced");
    if (!isAdmitted) this.options.metrics.closed("refused");
    if (victim || !isAdmitted) {
      this.#shed.note(victim ? "replaced" : "refused", client);
      this.#tell();
    }
    return isAdmitted;
  }

  /** Guards a connection until {@linkcode ended}. */
  add(hostname: string, connection: GuardedConnection): Guarded {
    const nowMs = this.#now();
    this.#lookBy(nowMs + this.options.config.timeouts.clientHeaderMs, nowMs);
    return this.#book.add(clientOf(hostname), connection, nowMs);
  }

  /** A request has come. */
  asked(guarded: Guarded): void {
    this.#book.began(guarded);
  }

  /** Its answer was handed over. */
  answered(guarded: Guarded): void {
    const nowMs = this.#now();
    this.#book.ended(guarded, nowMs);
    this.#lookBy(nowMs + this.options.config.timeouts.clientIdleMs, nowMs);
  }

  /** Its client gets the answer to what it has asked, and is closed then. */
  dismiss(guarded: Guarded): void {
    this.#book.dismiss(guarded);
  }

  /** It is closed, by whomever. */
  closed(guarded: Guarded): void {
    if (!guarded.isOpen) return; // it was cut, and counted then
    this.#book.remove(guarded);
    this.options.metrics.closed(this.#leaving.has(guarded) ? "shutdown" : "ended");
  }

  /** This host has no room for a new connection: closes one that is not used. Whether there was one. */
  makeRoom(): boolean {
    const victim = this.#book.mostDispensable();
    if (!victim) return false;
    this.#cut(victim, "replaced");
    this.#shed.note("replaced", victim.client.name);
    this.#tell();
    return true;
  }

  /** Has a connection leave because the gateway ends. */
  leave(guarded: Guarded): void {
    this.#leaving.add(guarded);
    guarded.connection.leave();
  }

  /** Guards no more, and closes nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    await this.#lookOver;
  }

  #now(): number {
    return this.options.clock.monotonic();
  }

  #lookBy(dueMs: number, nowMs: number): void {
    this.#alarm.ringBy(Math.min(Math.max(dueMs, nowMs + LOOK_PAUSE_MS), nowMs + LOOK_EVERY_MS));
  }

  #cut(guarded: Guarded, reason: CloseReason): void {
    this.#book.remove(guarded);
    this.options.metrics.closed(reason);
    guarded.connection.cut();
  }

  #tell(): void {
    this.#shed.tell(this.#now(), { openCount: this.#book.openCount, clientCount: this.#book.clientCount });
    if (this.#shed.dueMs !== undefined) this.#alarm.ringBy(this.#shed.dueMs);
  }

  #sweep(): void {
    const nowMs = this.#now();
    const { timeouts } = this.options.config;
    const { fresh, kept, dismissed } = this.#book.overdue(nowMs, timeouts);
    for (const guarded of fresh) this.#cut(guarded, "header_timeout");
    for (const guarded of dismissed) this.#cut(guarded, "ended");
    if (kept.length > 0 && !this.#isLooking) this.#lookOver = this.#endIdle(kept);
    this.#tell();
    const dueMs = this.#book.nextDueMs(timeouts);
    if (dueMs < Infinity) this.#lookBy(dueMs, nowMs);
  }

  /**
   * Closes those that have read their last answer, or stopped to read it. One that was handed over whole is answered for
   * the runtime, however slowly its client then reads: only the kernel knows. Never rejects.
   */
  async #endIdle(kept: readonly Guarded[]): Promise<void> {
    this.#isLooking = true;
    const since = new Map(kept.map((guarded) => [guarded, guarded.waitingSinceMs]));
    const tables = await this.#readTables().catch(() => undefined);
    const unread = unreadBytesByPort(tables ?? "", this.#localPort ?? 0);
    for (const [guarded, sinceMs] of since) {
      const isIdle = guarded.isOpen && guarded.underWayCount === 0 && guarded.waitingSinceMs === sinceMs;
      if (!isIdle) continue; // it has asked meanwhile
      const isReading = this.#isReading(guarded, unread.get(guarded.connection.remotePort) ?? 0);
      if (isReading) this.#book.postpone(guarded, this.#now());
      else this.#cut(guarded, "idle");
    }
    this.#isLooking = false;
  }

  #isReading(guarded: Guarded, bytes: number): boolean {
    const before = this.#unread.get(guarded);
    const sameCount = before?.bytes === bytes ? before.sameCount + 1 : 0;
    this.#unread.set(guarded, { bytes, sameCount });
    return bytes > 0 && sameCount < STOPPED_LOOKS;
  }
}
