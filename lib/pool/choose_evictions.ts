import { largestThat } from "../planner/bisect.ts";
import { formatDuration } from "../units.ts";

/** A coordinator that may be stopped for another model. */
export interface EvictionCandidate {
  /** Canonical key of its model. */
  readonly key: string;
  /** `host:port` of the rpc backends that would be free. */
  readonly endpoints: readonly string[];
  /** How long it took to load, and would take again, ms. */
  readonly loadMs: number;
  /** For how long nobody has used it, ms; 0 while somebody does. */
  readonly idleMs: number;
}

/** What stopping coordinators must achieve. */
export interface EvictionNeed {
  /** So many have to go in any case, for there may be too many at once. */
  readonly leastCount: number;
  /**
   * Whether the model fits when these endpoints are free. Monotone: more freed ones never hurt. It plans, which takes
   * about a millisecond, so it is asked as rarely as possible.
   */
  readonly suffices: (freed: ReadonlySet<string>) => boolean;
}

/** Whom to stop. */
export interface Evictions<T> {
  /** Nobody among them could stay. */
  readonly evicted: readonly T[];
  /** For a person; names nobody. */
  readonly because: string;
}

/** Up to so many candidates all sets are looked at: at most 2⁶ questions, some 60 ms. */
const MAX_EXACT_COUNT = 6;

/** Idle times below this hardly differ. */
const BRIEF_MS = 5_000;

/**
 * Chooses the cheapest coordinators to stop so that another model fits.
 *
 * What stopping one costs is the time to load it again, times how soon it is expected to be wanted again. A model that
 * was not used for some time is taken to be wanted after about as long again, so the cost is `loadMs / (idleMs + 5 s)`;
 * that of a set is the sum. Up to six candidates the set is the cheapest there is; of more it is a good one from
 * which nobody can be spared.
 *
 * @returns `undefined` if not even all of them suffice.
 */
export function chooseEvictions<T extends EvictionCandidate>(
  candidates: readonly T[],
  { leastCount, suffices }: EvictionNeed,
): Evictions<T> | undefined {
  const sorted = candidates.toSorted((a, b) => costOf([a]) - costOf([b]));
  const isEnough = (set: readonly T[]) => set.length >= leastCount && suffices(freedBy(set));
  if (!isEnough(sorted)) return undefined;
  const choose = sorted.length <= MAX_EXACT_COUNT ? cheapestSet : frugalSet;
  const evicted = choose(sorted, isEnough);
  return { evicted, because: explain(evicted, candidates.length) };
}

/** Whether stopping these is enough. */
type Test<T> = (set: readonly T[]) => boolean;

/** The cheapest set that is enough; all together are. */
function cheapestSet<T extends EvictionCandidate>(all: readonly T[], isEnough: Test<T>): readonly T[] {
  const sets = subsetsOf(all).filter((set) => set.length < all.length);
  const priced = sets.map((set) => ({ set, cost: costOf(set) }));
  priced.sort((a, b) => a.cost - b.cost || a.set.length - b.set.length);
  return priced.find(({ set }) => isEnough(set))?.set ?? all;
}

function subsetsOf<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((sets, item) => [...sets, ...sets.map((set) => [...set, item])], [[]]);
}

/** A set that is enough and from which nobody can be spared: the cheapest until it is, then the dearest stay if they can. */
function frugalSet<T>(sorted: readonly T[], isEnough: Test<T>): readonly T[] {
  const first = (count: number) => sorted.slice(0, count);
  const tooFew = largestThat(0, sorted.length - 1, (count) => !isEnough(first(count)));
  const chosen = first(tooFew + 1);
  return chosen.toReversed().reduce((kept, one) => {
    const rest = kept.filter((other) => other !== one);
    return isEnough(rest) ? rest : kept;
  }, chosen);
}

function freedBy(set: readonly EvictionCandidate[]): Set<string> {
  return new Set(set.flatMap(({ endpoints }) => endpoints));
}

function costOf(set: readonly EvictionCandidate[]): number {
  return set.reduce((sum, { loadMs, idleMs }) => sum + loadMs / (idleMs + BRIEF_MS), 0);
}

function explain(evicted: readonly EvictionCandidate[], candidateCount: number): string {
  if (evicted.length === 0) return "nobody has to make room";
  const each = evicted.map(({ idleMs, loadMs }) => {
    const use = idleMs > 0 ? `unused for ${formatDuration(idleMs)}` : "in use";
    return `${use}, loads again in ${formatDuration(loadMs)}`;
  });
  return `${chosen(evicted.length, candidateCount)}: ${each.join("; ")}`;
}

function chosen(count: number, candidateCount: number): string {
  if (candidateCount === 1) return "no other coordinator can make room";
  if (count === candidateCount) return `no fewer than all ${count} coordinators that may go make enough room`;
  if (count === 1) return `the cheapest to stop of ${candidateCount} coordinators that may go`;
  return `the cheapest ${count} to stop of ${candidateCount} coordinators that may go`;
}
