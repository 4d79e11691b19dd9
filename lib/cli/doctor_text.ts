import type { Environment } from "../config/environment.ts";
import type { CheckGroup, Report } from "../doctor/check.ts";
import type { Result } from "../doctor/finding.ts";
import { type Paint, printable, type Role, wrap } from "./terminal.ts";

/** How reports are written. */
export interface DoctorTextOptions {
  /** Colours. */
  readonly paint: Paint;
  /** Width of the terminal. */
  readonly columns: number;
  /** Whether its reader sees more than ASCII; see {@linkcode isUtf8}. */
  readonly isUtf8: boolean;
}

const ROLES: Record<Result, Role> = { ok: "good", warn: "doubtful", fail: "bad", skip: "quiet" };
const MARKS: Record<Result, string> = { ok: "✓", warn: "!", fail: "✗", skip: "·" };
const ASCII_MARKS: Record<Result, string> = { ok: "+", warn: "!", fail: "X", skip: "-" };
/** Names are padded to that, so that what was seen stands below each other. */
const NAME_WIDTH = 16;
const INDENT = 4;
const LEAST_WIDTH = 40;

/** Writes reports as they come: a heading for each group, a line for each check, and its cure below. */
export class DoctorText {
  readonly #options: DoctorTextOptions;
  #group: CheckGroup | undefined;

  /** Begins with nothing written. */
  constructor(options: DoctorTextOptions) {
    this.#options = options;
  }

  /** The next report's lines, with the heading of its group if that is new. */
  render(report: Report): string {
    const { paint } = this.#options;
    const heading = report.group === this.#group
      ? ""
      : `${this.#group === undefined ? "" : "\n"}${paint("heading", titleOf(report.group))}\n`;
    this.#group = report.group;
    return heading + this.#lines(report);
  }

  #lines({ name, subject, result, seen, cure }: Report): string {
    const { paint, columns, isUtf8 } = this.#options;
    const mark = paint(ROLES[result], (isUtf8 ? MARKS : ASCII_MARKS)[result]);
    const title = name.padEnd(NAME_WIDTH);
    const isNamed = subject === undefined || seen.includes(subject);
    const text = this.#legible(isNamed ? seen : `${subject}: ${seen}`);
    const width = Math.max(LEAST_WIDTH, columns - NAME_WIDTH - INDENT - 1);
    const [first = "", ...rest] = wrap(text, width);
    const indent = " ".repeat(INDENT + NAME_WIDTH + 1);
    const lines = [
      `  ${mark} ${paint(result === "ok" || result === "skip" ? "quiet" : "name", title)} ${first}`,
    ];
    lines.push(...rest.map((line) => indent + line));
    if (cure !== undefined) {
      const arrow = isUtf8 ? "→" : "->";
      const [begin = "", ...more] = wrap(this.#legible(cure), width - arrow.length - 1);
      lines.push(
        `${indent}${arrow} ${begin}`,
        ...more.map((line) => `${indent}${" ".repeat(arrow.length + 1)}${line}`),
      );
    }
    return lines.map((line) => `${line.trimEnd()}\n`).join("");
  }

  #legible(text: string): string {
    const safe = printable(text);
    return this.#options.isUtf8 ? safe : safe.replaceAll("…", "...").replaceAll(/[^\x20-\x7e]/g, "?");
  }
}

/** What all reports together say, in one line. */
export function renderSummary(reports: readonly Report[], paint: Paint): string {
  const count = (result: Result) => reports.filter((report) => report.result === result).length;
  const [failed, doubtful, sound, skipped] = [count("fail"), count("warn"), count("ok"), count("skip")];
  const tail = `${sound} ok${skipped === 0 ? "" : `, ${skipped} not looked at`}`;
  if (failed + doubtful === 0) return `\n${paint("good", "All is well")}: ${tail}.\n`;
  const parts = [
    ...(failed === 0
      ? []
      : [paint("bad", failed === 1 ? "1 thing does not work" : `${failed} things do not work`)]),
    ...(doubtful === 0
      ? []
      : [paint("doubtful", doubtful === 1 ? "1 could be better" : `${doubtful} could be better`)]),
  ];
  return `\n${parts.join(", ")}; ${tail}.\n`;
}

/** Whether whoever reads the terminal sees UTF-8, as its locale says. */
export function isUtf8(env: Environment): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return /utf-?8/i.test(locale);
}

/** The names of programs are as they are. */
function titleOf(group: CheckGroup): string {
  return group === "llama.cpp" ? group : group.charAt(0).toUpperCase() + group.slice(1);
}
