/**
 * The largest whole number from `least` to `most` for which something holds, where it holds for all that are below one
 * for which it does.
 *
 * @returns `least - 1` if it holds for none.
 */
export function largestThat(least: number, most: number, holds: (count: number) => boolean): number {
  let [low, high] = [least - 1, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
