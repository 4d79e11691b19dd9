import type { Place, ValuedFlag } from "./places.ts";

/** What the scripts call a place: its words, a space before each; empty for the program itself. */
export function placeName({ words }: Place): string {
  return words.map((word) => ` ${word}`).join("");
}

/** A text in single quotes, as any POSIX shell reads it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Branches of a shell's `case`, one line each. */
export function caseLines<T>(
  branches: readonly (readonly [pattern: string, item: T])[],
  command: (item: T) => string,
  indent: number,
): string {
  return branches.map(([pattern, item]) => `${" ".repeat(indent)}${quoted(pattern)}) ${command(item)} ;;`)
    .join("\n");
}

/** Branches of a shell's `case` on a place, a colon and the word before: they complete the values of flags, and return. */
export function valueLines(
  places: readonly Place[],
  command: (value: ValuedFlag["value"]) => string,
): string {
  return places.flatMap((place) =>
    place.valuedFlags.map(({ flags, value }) => {
      const patterns = flags.map((flag) => quoted(`${placeName(place)}:${flag}`)).join(" | ");
      return `    ${patterns}) ${[command(value), "return"].filter((text) => text !== "").join("; ")} ;;`;
    })
  ).join("\n");
}
