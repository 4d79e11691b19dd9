/** Characters that mean the same wherever they stand, inside of quotes and outside. */
const BARE = /^[\w./:=@,+-]+$/;

/** No line can hold the first; a line with the others systemd takes for broken UTF-8, and passes over. */
const UNWRITABLE = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/** The longest path of Linux without its final NUL. */
const MAX_PATH_BYTES = 4_095;

/**
 * A text as one word of a setting that takes words, such as `Environment=`.
 *
 * @param what Names the text for people, such as `the path of the model`.
 * @throws {RangeError} If no unit can hold it.
 * @see systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"
 */
export function quoteWord(text: string, what: string): string {
  const literal = withoutSpecifiers(text, what);
  return BARE.test(literal) ? literal : inQuotes(literal);
}

/**
 * A path of `BindReadOnlyPaths=` and the like, where a colon outside of quotes would begin a second one.
 *
 * @throws {RangeError} As {@linkcode quoteWord}; or if it is not absolute.
 */
export function quotePath(path: string, what: string): string {
  const literal = withoutSpecifiers(absolute(path, what), what);
  return BARE.test(literal) && !literal.includes(":") ? literal : inQuotes(literal);
}

/**
 * A text that is the whole value, or the end of it, and that systemd does not unquote, as in `Description=` and behind
 * the colon of `LoadCredential=`.
 *
 * @throws {RangeError} If no unit can hold it there.
 */
export function verbatim(text: string, what: string): string {
  if (/^\s|[\s\\]$/.test(text)) {
    throw refusal(what, text, "it begins or ends with a space, or ends with a backslash; name another");
  }
  return withoutSpecifiers(text, what);
}

/**
 * A command with its arguments, as `ExecStart=` takes it: each reaches the program as it is here.
 *
 * @param argv First the absolute path of the program.
 * @throws {RangeError} If there is no program, systemd does not take its path, or no unit can hold a word.
 * @see systemd.service(5), "Command lines"
 */
export function commandLine([program, ...args]: readonly string[]): string {
  const path = absolute(program ?? "", "the program");
  if (/["'\\]/.test(path) || path.endsWith("/")) {
    throw refusal(
      "the program",
      path,
      "systemd takes no program with quotes or backslashes in its path, nor a directory; move it",
    );
  }
  // Variables are put into all words but the path itself, where "$$" would be two dollars; ":" has none put in.
  const isPlain = path.includes("$");
  const words = args.map((arg) => quoteWord(isPlain ? arg : arg.replaceAll("$", "$$$$"), "an argument"));
  return [`${isPlain ? ":" : ""}${quoteWord(path, "the program")}`, ...words].join(" ");
}

/**
 * Assignments of `Environment=`, one a line of the unit.
 *
 * @throws {RangeError} If a name is none, or no unit can hold a value.
 */
export function environmentLines(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw refusal("the variable", name, "write letters, digits and _");
    return `Environment=${quoteWord(`${name}=${value}`, `the value of ${name}`)}`;
  });
}

/**
 * The same path.
 *
 * @throws {RangeError} If systemd would not take it for one.
 */
export function absolute(path: string, what: string): string {
  const isPath = path.startsWith("/") && !/(^|\/)\.\.(\/|$)/.test(path);
  if (isPath && new TextEncoder().encode(path).byteLength <= MAX_PATH_BYTES) return path;
  throw refusal(what, path, "systemd wants an absolute path without .. in it, of 4095 bytes at most");
}

function withoutSpecifiers(text: string, what: string): string {
  if (UNWRITABLE.test(text) || !text.isWellFormed()) {
    throw refusal(what, text, "it holds a line break or another character that cannot be written; remove it");
  }
  return text.replaceAll("%", "%%");
}

function inQuotes(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

function refusal(what: string, text: string, why: string): RangeError {
  return new RangeError(`Cannot write ${what} ${JSON.stringify(text.slice(0, 80))} into a unit: ${why}`);
}
