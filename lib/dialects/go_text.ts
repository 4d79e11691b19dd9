/** From this power of ten on Go writes a number with its exponent. */
const MIN_WRITTEN_POWER = 6;
/** Below this one, too. */
const MAX_SMALL_POWER = -4;

/**
 * A number as Go's `%v` writes it: `0.7`, `2048`, `1e+06`.
 *
 * @see `FormatFloat` with `g` and the shortest precision, strconv/ftoa.go
 */
export function goNumber(value: number): string {
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (power >= MAX_SMALL_POWER && power < MIN_WRITTEN_POWER) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/**
 * A text as Go's `%#v` writes it: in quotes, what cannot be seen as an escape.
 *
 * @see `Quote` in strconv/quote.go
 */
export function goQuoted(text: string): string {
  return `"${text.replaceAll(UNPRINTABLE, escapeOf)}"`;
}

/** Of all blanks Go takes only the common one for printable. */
const UNPRINTABLE = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (digitCount: number) => code.toString(16).padStart(digitCount, "0");
  if (code < 0x80) return SHORT_ESCAPES[character] ?? `\\x${hex(2)}`;
  return code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
