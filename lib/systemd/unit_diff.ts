import { structuredPatch } from "diff";

/** Lines of a diff that a person reads without scrolling far. */
const MAX_LINES = 80;

/**
 * What changes when one text takes the place of another, as `diff -u` shows it.
 *
 * @param before What is lost is marked by `-`.
 * @param after What is new is marked by `+`.
 */
export function renderDiff(before: string, after: string): string {
  const { hunks } = structuredPatch("", "", before, after, "", "", { context: 2 });
  const lines = hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  const moreCount = lines.length - MAX_LINES;
  const shown = lines.slice(0, MAX_LINES);
  return [...shown, ...(moreCount > 0 ? [`… and ${moreCount} more lines`] : [])].join("\n");
}
