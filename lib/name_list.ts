/** The first names of a list with commas between, and how many more there are; empty for none. */
export function listNames(names: readonly string[], maxCount: number): string {
  const moreCount = names.length - maxCount;
  return names.slice(0, maxCount).join(", ") + (moreCount > 0 ? ` and ${moreCount} more` : "");
}
