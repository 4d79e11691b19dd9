/**
 * Whether a pattern stands for a whole text; case counts.
 *
 * Each piece is looked for once, at its first place behind the one before: for a pattern without other signs that finds
 * a match wherever there is one. So whoever may choose the text cannot make it slow, as they can a regular expression.
 *
 * @param pattern With `*` for any text, none included.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const [head, ...others] = pattern.split("*");
  const tail = others.pop();
  if (tail === undefined) return text === pattern;
  const endsAt = text.length - tail.length;
  if (!text.startsWith(head!) || !text.endsWith(tail)) return false;
  let at = head!.length;
  for (const piece of others) {
    const foundAt = text.indexOf(piece, at);
    if (foundAt < 0) return false;
    at = foundAt + piece.length;
  }
  return at <= endsAt;
}
