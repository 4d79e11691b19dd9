import { type Holder, isGoing, mayGoAtMs, type Terms, toHolder } from "./holder.ts";
import type { Pooled, Prospect } from "./pooled.ts";
import { pinnedInTheWay } from "./refusals.ts";
import type { RequestQueue } from "./request_queue.ts";
import type { Resident } from "./resident.ts";
import type { ResidentHost } from "./resident_host.ts";
import { findRoom, type Room } from "./room.ts";
import type { Residents } from "./residents.ts";
import { hasWaited, WAITING, waitsBehind, waitsFor } from "./sentences.ts";
import type { Start } from "./start.ts";

/** How often who waits for room looks again though nothing is known to have changed: rpc backends may have come, ms. */
const LOOK_EVERY_MS = 2_000;

/** What a model that waits for its place has found out. */
interface Search<C extends Pooled> {
  /** What the last look was taken by; the start's is another once it was prepared anew. */
  prospect: Prospect<C> | undefined;
  /** When the last look was taken, ms of the monotonic clock. */
  lookedMs: number;
  /** After how many changes it was taken. */
  lookedAtChange: number;
  /** What it showed; `reserved` is room that another counts on who waits in front of it. */
  room:
    | Exclude<Room<Holder<C>>, { readonly kind: "pinned" }>
    | { readonly kind: "reserved"; readonly forModel: string };
  /** Whether others were stopped for it: what they held is its own then, whoever else asks. */
  wasGivenRoom: boolean;
}

/** What a model in the line of those that wait for room makes of its turn. */
interface Turn<C extends Pooled> {
  /** Those that take nothing new for its sake. */
  readonly yielding: readonly Resident<C>[];
  /** When its next turn is, ms of the monotonic clock. */
  readonly nextMs: number;
}

/**
 * Deals out places: which of the models that are to be started get one now, and who has to go for the others.
 *
 * Models take turns in the order of their best-ranked requests, those first for which others were stopped already. One
 * passes another that waits in front of it only if that one would still find its room when those are gone who have to
 * go for it. So models that do not compete never wait for each other, and nobody is passed for ever.
 *
 * Who has to go are those who may soonest (see {@linkcode mayGoAtMs}), and of these the cheapest. None of them is asked
 * to before all of them may; from then on they take nothing new, and are stopped together when nothing is in flight.
 */
export class Allotment<C extends Pooled> {
  #changeCount = 0;
  #isSought = false;
  readonly #searches = new WeakMap<Start<C>, Search<C>>();

  /** Everything stays its owner's. */
  constructor(
    private readonly residents: Residents<C>,
    private readonly queue: RequestQueue<C>,
    private readonly host: ResidentHost,
  ) {}

  /** Whether models waited for room the last time that places were dealt out. */
  get isSought(): boolean {
    return this.#isSought;
  }

  /** Rpc backends may have become free, or somebody idle: the next time all look again. */
  changed(): void {
    this.#changeCount++;
  }

  /** Gives places to whom it can, and has others make room for whom it cannot. @returns When to call it again, ms of the monotonic clock. */
  advance(nowMs: number): number {
    const ahead: Resident<C>[] = [];
    for (const seeker of this.#seekers()) {
      this.#look(seeker, ahead, nowMs);
      if (seeker.start?.isSeeking) ahead.push(seeker);
    }
    this.#isSought = ahead.length > 0;
    const turns = ahead.map((seeker) => this.#makeRoom(seeker, nowMs));
    this.#letOthersStay(new Set(turns.flatMap(({ yielding }) => yielding)));
    return Math.min(Infinity, ...turns.map(({ nextMs }) => nextMs));
  }

  /** Those that wait for a place, in the order of their turns. */
  #seekers(): Resident<C>[] {
    const seekers = [...this.residents].filter(({ start }) => start?.isSeeking);
    if (seekers.length < 2) return seekers;
    const { keys } = this.queue;
    const turnOf = ({ key, start }: Resident<C>) => {
      if (this.#searchOf(start!).wasGivenRoom) return -1;
      return keys.includes(key) ? keys.indexOf(key) : keys.length;
    };
    return seekers.toSorted((a, b) => turnOf(a) - turnOf(b));
  }

  /** Finds out whether there is room by now: only if something may have changed, for it takes planning. */
  #look(seeker: Resident<C>, ahead: readonly Resident<C>[], nowMs: number): void {
    const start = seeker.start!;
    const search = this.#searchOf(start);
    const isFresh = search.prospect !== start.prospect;
    if (!isFresh) {
      if (start.isPreparing) return;
      if (nowMs - search.lookedMs >= LOOK_EVERY_MS) return start.prepare();
      if (search.lookedAtChange === this.#changeCount) return;
    }
    Object.assign(search, { prospect: start.prospect, lookedMs: nowMs, lookedAtChange: this.#changeCount });
    try {
      if (isFresh && this.#takePlace(seeker, ahead)) return;
      this.#findRoom(seeker, isFresh, nowMs);
    } catch (error) {
      start.fail(error);
    }
  }

  /** Starts it if there is room that nobody in front of it counts on. @returns Whether there is. */
  #takePlace(seeker: Resident<C>, ahead: readonly Resident<C>[]): boolean {
    using place = this.#freeCount > 0 ? seeker.start!.prospect!.place() : undefined;
    if (!place) return false;
    const robbed = ahead.find((other) => !this.#stillFits(other));
    if (robbed) {
      this.#searchOf(seeker.start!).room = { kind: "reserved", forModel: robbed.model };
      return true;
    }
    seeker.load(place);
    this.host.changed();
    return true;
  }

  /** Whether one that waits would find room beside one more, if those were gone who have to go for it. */
  #stillFits({ start }: Resident<C>): boolean {
    const { room, wasGivenRoom } = this.#searchOf(start!);
    if (room.kind === "unknown" && !wasGivenRoom) return true; // it counts on nothing yet
    const holders = room.kind === "held" ? room.holders : [];
    const runningCount = holders.filter(({ resident }) => resident.hasProcess).length;
    if (this.#freeCount + runningCount < 2) return false;
    return start!.prospect!.fitsWith(new Set(holders.flatMap(({ endpoints }) => endpoints)));
  }

  #findRoom(seeker: Resident<C>, isFresh: boolean, nowMs: number): void {
    const start = seeker.start!;
    const prospect = start.prospect!;
    const need = {
      leastCount: Math.max(0, 1 - this.#freeCount),
      suffices: (freed: ReadonlySet<string>) => prospect.fitsWith(freed),
    };
    const terms = this.#termsOf(seeker);
    const holders = this.#running.map((resident) => toHolder(resident, terms, nowMs));
    const room = findRoom(holders, need, nowMs);
    if (room.kind === "pinned") {
      throw pinnedInTheWay(seeker.model, {
        pinned: room.holders.map(({ resident }) => resident.model),
        areTooMany: need.leastCount > 0,
      });
    }
    if (room.kind === "unknown" && need.leastCount > 0) prospect.place()?.[Symbol.dispose](); // throws if it fits nowhere
    // One that was prepared just now was refused what looks free: that has to be given back yet.
    const search = this.#searchOf(start);
    search.room = room.kind === "free" && isFresh ? { kind: "unknown" } : room;
    if (search.room.kind === "free") return start.prepare(); // what it knows is too old to be placed by
    const isWaitedFor = seeker.isPinned || this.queue.countOf(seeker.key) > 0;
    if (room.kind === "held" && !isWaitedFor) {
      seeker.cancel("there is no room for it, and nobody waits for it");
    }
  }

  /** Has those go who have to, as soon as all of them may. */
  #makeRoom(seeker: Resident<C>, nowMs: number): Turn<C> {
    const start = seeker.start!;
    const { room, lookedMs } = this.#searchOf(start);
    const lookMs = start.isPreparing ? Infinity : lookedMs + LOOK_EVERY_MS; // it looks as soon as it is prepared
    if (room.kind !== "held") {
      start.waitForRoom(room.kind === "reserved" ? waitsBehind(room.forModel) : WAITING[room.kind]);
      return { yielding: [], nextMs: lookMs };
    }
    const holders = room.holders.map(({ resident }) => resident).filter(({ hasProcess }) => hasProcess);
    const terms = this.#termsOf(seeker);
    const dueMs = Math.max(-Infinity, ...holders.map((holder) => mayGoAtMs(holder, terms)));
    const yielding = dueMs > nowMs ? [] : holders.filter((holder) => !isGoing(holder));
    if (holders.some(({ life }) => life && !life.isIdle)) this.#drain(yielding, seeker.model, holders);
    else {
      const hasYielded = yielding.some(({ drain }) => drain);
      this.#evict(yielding, seeker, hasYielded ? hasWaited(nowMs - terms.waitsSinceMs) : room.because);
    }
    start.waitForRoom(waitsFor(holders, dueMs - nowMs));
    return { yielding, nextMs: dueMs > nowMs ? Math.min(lookMs, dueMs) : lookMs };
  }

  #drain(residents: readonly Resident<C>[], forModel: string, together: readonly Resident<C>[]): void {
    const because = `makes room for "${forModel}"`;
    for (const resident of residents) {
      if (!resident.drain) resident.takeNothingNew({ kind: "for room", because, together });
    }
  }

  #evict(residents: readonly Resident<C>[], { model, start }: Resident<C>, because: string): void {
    for (const resident of residents) resident.evict(model, because);
    this.#searchOf(start!).wasGivenRoom ||= residents.length > 0;
  }

  /** Whoever yielded to one that does not need it any more serves again. */
  #letOthersStay(yielding: ReadonlySet<Resident<C>>): void {
    for (const resident of this.residents) {
      if (resident.drain?.kind !== "for room" || yielding.has(resident)) continue;
      resident.stay();
      this.host.changed();
    }
  }

  get #running(): Resident<C>[] {
    return [...this.residents].filter(({ hasProcess }) => hasProcess);
  }

  /** How many more coordinators may run; negative if there are too many. */
  get #freeCount(): number {
    return this.host.settings().maxCoordinators - this.#running.length;
  }

  /** A model that is only pinned has all the patience of the world. */
  #termsOf({ key }: Resident<C>): Terms {
    const isWaitedFor = (other: string) => this.queue.countOf(other) > 0;
    return { settings: this.host.settings(), waitsSinceMs: this.queue.oldestMs(key), isWaitedFor };
  }

  #searchOf(start: Start<C>): Search<C> {
    const known = this.#searches.get(start);
    if (known) return known;
    const search: Search<C> = {
      prospect: undefined,
      lookedMs: -Infinity,
      lookedAtChange: -1,
      room: { kind: "unknown" },
      wasGivenRoom: false,
    };
    this.#searches.set(start, search);
    return search;
  }
}
