/** How the way to an rpc backend is. */
export interface LinkFigures {
  /** Median time from a request of the rpc protocol to its answer, ms. */
  readonly roundTripMs: number;
  /** How fast a few MiB reached it, bytes per second; `undefined` if that could not be measured. */
  readonly bytesPerSecond: number | undefined;
}

/** The middle one of some numbers, of which there must be one. */
export function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)]! + sorted[Math.ceil(sorted.length / 2 - 0.5)]!) / 2;
}
