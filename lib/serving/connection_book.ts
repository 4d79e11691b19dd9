import type { LimitsConfig, TimeoutsConfig } from "../config/config.ts";

/** One client, and what it holds. Only the book changes it. */
export interface BookedClient<T> {
  /** As `clientOf` names it. */
  readonly name: string;
  /** Connections that it has. */
  openCount: number;
  /** Those without a request, the longest waiting first. */
  readonly waiting: Set<BookedConnection<T>>;
}

/** An open connection of a client. Only its book changes it. */
export class BookedConnection<T> {
  /** Requests that are under way on it: more than one with HTTP/2. */
  underWayCount = 0;
  /** Since when it has no request, ms. */
  waitingSinceMs: number;
  /** Whether the client is not to have a next request on it. */
  isDismissed = false;
  /** Whether the book still counts it. */
  isOpen = true;

  /** Made by {@linkcode ConnectionBook.add}. */
  constructor(
    /** What it is for whoever keeps the book. */
    readonly connection: T,
    /** Whose it is. */
    readonly client: BookedClient<T>,
    nowMs: number,
  ) {
    this.waitingSinceMs = nowMs;
  }
}

/** Whether one more connection may be opened, and which one has to go for it. */
export interface Admission<T> {
  /** Whether there is room, once the victim is gone. */
  readonly isAdmitted: boolean;
  /** Has to go first; `undefined` if there is room, or none can be made. */
  readonly victim: BookedConnection<T> | undefined;
}

/** Connections that have been without a request for too long, each longest first. */
export interface Overdue<T> {
  /** Never had one. */
  readonly fresh: readonly BookedConnection<T>[];
  /** Had one. */
  readonly kept: readonly BookedConnection<T>[];
  /** Are not to have a next one. */
  readonly dismissed: readonly BookedConnection<T>[];
}

/** How many connections there may be. */
export type ConnectionLimits = Pick<LimitsConfig, "connectionCount" | "connectionsPerClient">;
/** For how long a client may be silent: before its first request, and before each further one. */
export type ClientPatience = Pick<TimeoutsConfig, "clientHeaderMs" | "clientIdleMs">;

/** For how long a client that is not to ask again may read its last answer, ms. */
export const LAST_ANSWER_MS = 1_000;

/**
 * Who is connected, and who of them waits without a request. Decides who has to go; closes nothing itself.
 *
 * When there is no room for a new connection, it takes the place of one without a request: whoever comes has something to
 * ask, and clients have to cope with the end of a kept connection at any time, while a refused one is an error that a
 * person sees. It is the longest waiting one of the client that has most of them, so that somebody who opens many drives
 * out their own, and not those of clients that have few. Whoever has too many takes their own place. A connection with a
 * request is never chosen: where all have one, the new one is refused.
 */
export class ConnectionBook<T> {
  #openCount = 0;
  readonly #clients = new Map<string, BookedClient<T>>();
  // Each in the order of `waitingSinceMs`, so that the first one is due first.
  readonly #fresh = new Set<BookedConnection<T>>();
  readonly #kept = new Set<BookedConnection<T>>();
  readonly #dismissed = new Set<BookedConnection<T>>();

  /** Connections that are open. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Clients that have some. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Whether a client may have one more. */
  admit(client: string, { connectionCount, connectionsPerClient }: ConnectionLimits): Admission<T> {
    const own = this.#clients.get(client);
    if (own && own.openCount >= connectionsPerClient) return inPlaceOf(own);
    if (this.#openCount < connectionCount) return { isAdmitted: true, victim: undefined };
    return inPlaceOf(this.#greediest());
  }

  /** A connection was opened. */
  add(clientName: string, connection: T, nowMs: number): BookedConnection<T> {
    const client = this.#clients.get(clientName) ?? { name: clientName, openCount: 0, waiting: new Set() };
    this.#clients.set(clientName, client);
    const booked = new BookedConnection(connection, client, nowMs);
    client.openCount++;
    this.#openCount++;
    client.waiting.add(booked);
    this.#fresh.add(booked);
    return booked;
  }

  /** It has a request, or one more. */
  began(booked: BookedConnection<T>): void {
    if (booked.underWayCount++ === 0) this.#stopWaiting(booked);
  }

  /** A request that it had is answered, and the answer was handed over. */
  ended(booked: BookedConnection<T>, nowMs: number): void {
    if (--booked.underWayCount === 0 && booked.isOpen) this.#wait(booked, nowMs);
  }

  /** It is not to have another request: it is overdue soon after the one that it has. */
  dismiss(booked: BookedConnection<T>): void {
    booked.isDismissed = true;
  }

  /** Its wait begins anew: its client still reads. Nothing happens if it does not wait. */
  postpone(booked: BookedConnection<T>, nowMs: number): void {
    if (!booked.client.waiting.has(booked)) return;
    this.#stopWaiting(booked);
    this.#wait(booked, nowMs);
  }

  /** It is closed, or will be at once. The second time nothing happens. */
  remove(booked: BookedConnection<T>): void {
    if (!booked.isOpen) return;
    booked.isOpen = false;
    this.#stopWaiting(booked);
    this.#openCount--;
    const { client } = booked;
    if (--client.openCount === 0) this.#clients.delete(client.name);
  }

  /** Those that have waited for too long. They stay until they are removed or postponed. */
  overdue(nowMs: number, patience: ClientPatience): Overdue<T> {
    return {
      fresh: waitingUntil(this.#fresh, nowMs - patience.clientHeaderMs),
      kept: waitingUntil(this.#kept, nowMs - patience.clientIdleMs),
      dismissed: waitingUntil(this.#dismissed, nowMs - LAST_ANSWER_MS),
    };
  }

  /** When the next one will have waited for too long, ms; infinite if none waits. */
  nextDueMs({ clientHeaderMs, clientIdleMs }: ClientPatience): number {
    return Math.min(
      dueOf(this.#fresh, clientHeaderMs),
      dueOf(this.#kept, clientIdleMs),
      dueOf(this.#dismissed, LAST_ANSWER_MS),
    );
  }

  /** The one that may go where this host has no room though nothing is full here. */
  mostDispensable(): BookedConnection<T> | undefined {
    return inPlaceOf(this.#greediest()).victim;
  }

  /** Whoever has most connections without a request; looked for only where there is no room. */
  #greediest(): BookedClient<T> | undefined {
    let greediest: BookedClient<T> | undefined;
    for (const client of this.#clients.values()) {
      if (client.waiting.size > (greediest?.waiting.size ?? 0)) greediest = client;
    }
    return greediest;
  }

  #wait(booked: BookedConnection<T>, nowMs: number): void {
    booked.waitingSinceMs = nowMs;
    booked.client.waiting.add(booked);
    (booked.isDismissed ? this.#dismissed : this.#kept).add(booked);
  }

  #stopWaiting(booked: BookedConnection<T>): void {
    this.#fresh.delete(booked);
    this.#kept.delete(booked);
    this.#dismissed.delete(booked);
    booked.client.waiting.delete(booked);
  }
}

function inPlaceOf<T>(client: BookedClient<T> | undefined): Admission<T> {
  const victim = client && firstOf(client.waiting);
  return { isAdmitted: victim !== undefined, victim };
}

function firstOf<T>(ordered: ReadonlySet<T>): T | undefined {
  return ordered.values().next().value;
}

function dueOf<T>(ordered: ReadonlySet<BookedConnection<T>>, patienceMs: number): number {
  return (firstOf(ordered)?.waitingSinceMs ?? Infinity) + patienceMs;
}

function waitingUntil<T>(ordered: ReadonlySet<BookedConnection<T>>, sinceMs: number): BookedConnection<T>[] {
  const overdue = [];
  for (const booked of ordered) {
    if (booked.waitingSinceMs > sinceMs) break;
    overdue.push(booked);
  }
  return overdue;
}
