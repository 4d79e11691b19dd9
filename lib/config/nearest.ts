import { closestMatch } from "leven";

/** The candidate that a mistyped word most likely meant, or `undefined` if none is close (a third of its letters). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  return closestMatch(word, [...candidates], { maxDistance: Math.ceil(word.length / 3) });
}

/** `; did you mean "…"?`, or nothing if no candidate is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const guess = nearest(word, candidates);
  return guess === undefined ? "" : `; did you mean "${guess}"?`;
}
