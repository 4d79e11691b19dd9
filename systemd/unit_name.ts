/** systemd takes no longer name of a unit, with its suffix. */
const MAX_NAME_LENGTH = 255;

/**
 * The same text, if names of units and of directories may begin with it.
 *
 * @throws {RangeError} If not.
 */
export function checkedStem(stem: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(stem)) return stem;
  throw new RangeError(
    `"${stem.slice(0, 120)}" cannot name a unit; use letters, digits, hyphens and underscores, at most 100`,
  );
}

/**
 * A text as part of a unit's name, as `systemd-escape` writes it: `/` becomes `-`, and each byte that is no letter,
 * digit, `:`, `_` or `.` becomes `\xNN`; so does a dot in front.
 *
 * @throws {RangeError} If it is empty, or has characters that no name can hold.
 * @see systemd.unit(5), "String Escaping for Inclusion in Unit Names"
 */
export function escapeForUnitName(text: string): string {
  if (text === "" || text.includes("\0") || !text.isWellFormed()) {
    throw new RangeError(`Cannot name a unit ${JSON.stringify(text.slice(0, 80))}: write a word`);
  }
  return Array.from(new TextEncoder().encode(text), escapeByte).join("");
}

/**
 * Name of one instance of a template: `sollol-rpc@.service` and `50052` give `sollol-rpc@50052.service`.
 *
 * @param instance Any text; it is escaped.
 * @throws {RangeError} If the first is no template, the instance cannot be one, or the name gets longer than systemd's.
 */
export function instanceName(template: string, instance: string): string {
  const [, prefix, suffix] = /^([^@]+@)(\.[a-z]+)$/.exec(template) ?? [];
  if (prefix === undefined || suffix === undefined) {
    throw new RangeError(`Cannot make an instance of ${template}: a template has @ before its suffix`);
  }
  const name = `${prefix}${escapeForUnitName(instance)}${suffix}`;
  if (name.length <= MAX_NAME_LENGTH) return name;
  throw new RangeError(
    `Cannot make an instance of ${template}: its name would have ${name.length} characters, ` +
      `and ${MAX_NAME_LENGTH} are the most; choose a shorter one`,
  );
}

function escapeByte(byte: number, index: number): string {
  const character = String.fromCharCode(byte);
  if (character === "/") return "-";
  const isPlain = /[A-Za-z0-9:_.]/.test(character) && !(character === "." && index === 0);
  return isPlain ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
}
