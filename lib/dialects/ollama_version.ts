/**
 * As which Ollama the gateway passes where no node tells its version. Clients ask before they use what came late: tools,
 * structured output, thinking. All of that is spoken here as Ollama of this version speaks it.
 */
const SPOKEN_VERSION = "0.33.0";

/** The newest of these versions; the one that is spoken here if none of them is one of a release. */
export function newestVersion(versions: readonly string[]): string {
  const known = versions.flatMap((text) => readVersion(text) ?? []);
  return known.toSorted(newerFirst)[0]?.text ?? SPOKEN_VERSION;
}

interface Version {
  readonly text: string;
  readonly numbers: readonly number[];
  readonly isPreview: boolean;
}

/** Who builds Ollama himself has 0.0.0, which clients take for the oldest. */
function readVersion(text: string): Version | undefined {
  const [, core, suffix = ""] = /^(\d{1,9}\.\d{1,9}\.\d{1,9})([-+][0-9A-Za-z.+-]{1,50})?$/.exec(text) ?? [];
  if (core === undefined || core === "0.0.0") return undefined;
  return { text, numbers: core.split(".").map(Number), isPreview: suffix.startsWith("-") };
}

function newerFirst(one: Version, other: Version): number {
  const [at] = one.numbers.flatMap((number, index) => number === other.numbers[index] ? [] : [index]);
  if (at !== undefined) return other.numbers[at]! - one.numbers[at]!;
  if (one.isPreview !== other.isPreview) return one.isPreview ? 1 : -1;
  return one.text < other.text ? 1 : -1;
}
