import { isUntouched, sealed } from "../../systemd/seal.ts";
import type { UnitFile } from "../../systemd/unit_file.ts";

const RECORD = "# Arguments: ";

/** Who wrote a unit: sollol alone; sollol and then somebody else; or somebody else. */
export type UnitOrigin = "untouched" | "edited" | "foreign";

/** Who wrote a unit, told by its text. */
export function originOf(text: string): UnitOrigin {
  if (recordIn(text) === undefined) return "foreign";
  return isUntouched(text) ? "untouched" : "edited";
}

/**
 * The unit with a comment on what sollol was asked for, so that it can be rendered again and compared.
 *
 * @param unit Sealed in its last line.
 * @param args What follows `sollol systemd`; nothing secret.
 */
export function withRecord(unit: UnitFile, args: readonly string[]): UnitFile {
  return resealed(unit, (body) => {
    const lines = body.split("\n");
    const at = lines.findIndex((line) => !line.startsWith("#"));
    return lines.toSpliced(at, 0, RECORD + JSON.stringify(args)).join("\n");
  });
}

/**
 * The unit under another name, with directories of its own: nothing is shared with the one of the usual name.
 *
 * @param unit Sealed in its last line.
 * @param from What its name begins with now, such as `sollol-rpc`.
 * @param to What it is to begin with.
 */
export function renamed(unit: UnitFile, from: string, to: string): UnitFile {
  if (from === to) return unit;
  const name = to + unit.name.slice(from.length);
  const owned = "^(?:Cache|Logs|Runtime|State)Directory=|^(?:After|Requires)=|(?<!%)%[CLSt]/";
  const ofItsOwn = new RegExp(`(${owned})${RegExp.escape(from)}(?!\\w)`, "gm");
  return resealed({ ...unit, name }, (body) => {
    return body
      .replaceAll(/^#.*$/gm, (comment) => comment.replaceAll(unit.name, name))
      .replaceAll(ofItsOwn, `$1${to}`);
  });
}

function resealed({ name, text }: UnitFile, change: (body: string) => string): UnitFile {
  const sealAt = text.trimEnd().lastIndexOf("\n") + 1;
  return { name, text: sealed(change(text.slice(0, sealAt))) };
}

/** What {@linkcode withRecord} wrote into a unit; `undefined` if there is nothing like that. */
export function recordIn(text: string): string[] | undefined {
  const line = text.split("\n").find((line) => line.startsWith(RECORD));
  if (line === undefined) return undefined;
  try {
    const args: unknown = JSON.parse(line.slice(RECORD.length));
    return Array.isArray(args) && args.every((arg) => typeof arg === "string") ? args : undefined;
  } catch { // somebody wrote into it
    return undefined;
  }
}
