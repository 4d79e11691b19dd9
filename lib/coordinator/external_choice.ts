/** What the choice among coordinators of others rests on. */
export interface ExternalCandidate {
  /** Where it is. */
  readonly url: string;
  /** Requests of ours that it is at work on. */
  readonly inFlightCount: number;
  /** Requests that it computes at once, if it told. */
  readonly slotCount: number | undefined;
  /** The higher, the later it was chosen last. */
  readonly lastTurn: number;
}

/** What llama-server has if nobody says otherwise. */
const USUAL_SLOT_COUNT = 4;

/** The share of its slots that our requests need; above 1, some of them wait there. */
export function loadOf(
  { inFlightCount, slotCount = USUAL_SLOT_COUNT }: Pick<ExternalCandidate, "inFlightCount" | "slotCount">,
): number {
  return inFlightCount / slotCount;
}

/**
 * The least busy one, by the share of its slots that are in use: whoever has a slot free comes before those that have
 * none, and a server with more slots takes more. Among equals, the one that was chosen longest ago.
 *
 * @returns `undefined` if there is none.
 */
export function chooseExternal<T extends ExternalCandidate>(candidates: readonly T[]): T | undefined {
  let best: T | undefined;
  for (const candidate of candidates) {
    if (!best || isBetter(candidate, best)) best = candidate;
  }
  return best;
}

/** Why it was chosen among several, in a sentence. */
export function whyChosen({ url, inFlightCount, slotCount }: ExternalCandidate): string {
  const use = slotCount === undefined
    ? `${inFlightCount} of our requests in flight`
    : `${inFlightCount} of ${slotCount} slots in use by us`;
  return `${url} is the least busy, ${use}`;
}

function isBetter(a: ExternalCandidate, b: ExternalCandidate): boolean {
  const difference = loadOf(a) - loadOf(b);
  return difference === 0 ? a.lastTurn < b.lastTurn : difference < 0;
}
