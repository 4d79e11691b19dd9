import { verbatim } from "./quote.ts";
import { sealed } from "./seal.ts";
import type { ManagerKind, UnitFile } from "./unit_file.ts";

/** systemd refuses a unit with a longer line, bytes. */
const MAX_LINE_BYTES = 1024 * 1024 - 1;

/** What a unit says, section by section, each a list of lines that are escaped already. */
export interface UnitContent {
  /** With its suffix. */
  readonly name: string;
  /** Which systemd runs it. */
  readonly manager: ManagerKind;
  /** Of sollol. */
  readonly version: string;
  /** Lines by section, such as `Service`, in their order. */
  readonly sections: Readonly<Record<string, readonly string[]>>;
}

/**
 * The file of a unit: who made it and how to change it, its sections, and a seal that tells whether somebody edited it.
 *
 * @throws {RangeError} If a line is longer than systemd reads.
 */
export function renderUnit({ name, manager, version, sections }: UnitContent): UnitFile {
  const edit = `systemctl ${manager === "user" ? "--user " : ""}edit ${name}`;
  const body = [
    `# ${name}, made by sollol ${verbatim(version, "the version")}.`,
    `# Change it with \`${edit}\`: what you write there is kept beside this file,`,
    "# which sollol writes anew when it is installed again.",
    ...Object.entries(sections).flatMap(([section, lines]) => ["", `[${section}]`, ...lines]),
    "",
  ];
  const longest = Math.max(...body.map((line) => new TextEncoder().encode(line).byteLength));
  if (longest > MAX_LINE_BYTES) {
    throw new RangeError(
      `Cannot write ${name}: a line has ${longest} bytes, and systemd reads less than 1 MiB`,
    );
  }
  return { name, text: sealed(`${body.join("\n")}\n`) };
}
