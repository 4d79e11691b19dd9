import { isUntouched, sealed } from "../../systemd/seal.ts";
import type { UnitFile } from "../../systemd/unit_file.ts";

const RECORD = "# Arguments: ";
/** The seal, and nothing behind the last line break. */
const SEAL_LINES = 2;

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
export function withRecord({ name, text }: UnitFile, args: readonly string[]): UnitFile {
  const lines = text.split("\n").slice(0, -SEAL_LINES);
  const at = lines.findIndex((line) => !line.startsWith("#"));
  return { name, text: sealed(`${lines.toSpliced(at, 0, RECORD + JSON.stringify(args)).join("\n")}\n`) };
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
