/** The version that `version_skew` plays: before `/api/ps`, `/api/embed` and OpenAI's embeddings. */
export const OLD_VERSION = "0.1.30";

/** Whether `version` is `first` or later. */
export function isSince(version: string, first: string): boolean {
  const [ours, theirs] = [version, first].map((text) => text.split(".").map((part) => parseInt(part)));
  for (const [index, number] of theirs!.entries()) {
    const own = ours![index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}
