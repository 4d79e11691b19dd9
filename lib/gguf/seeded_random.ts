/** Uniform numbers in [0, 1), like `Math.random`. */
export type Random = () => number;

/**
 * Random numbers that are the same for the same seed on every machine (mulberry32); not for secrets.
 *
 * @param seed Only its low 32 bits count.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
