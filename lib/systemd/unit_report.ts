import { join } from "node:path";
import type { UnitFile } from "../../systemd/unit_file.ts";
import { messageOf } from "../errors.ts";
import { shellWord } from "../process/shell_word.ts";
import { findInstances } from "./instances.ts";
import { Systemctl } from "./systemctl.ts";
import { troubleOf } from "./trouble.ts";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";
import { originOf, recordIn } from "./unit_record.ts";
import { type Role, ROLE_NAMES, stemOf } from "./unit_set.ts";
import type { UnitState } from "./unit_state.ts";

/** How a unit of ours stands. */
export interface UnitReport {
  /** Name of the unit; of a template, each instance has a report of its own. */
  readonly unit: string;
  /** What it runs; `undefined` if another sollol wrote it that knew more. */
  readonly role: Role | undefined;
  /** The file. */
  readonly path: string;
  /** Whether somebody edited the file since sollol wrote it. */
  readonly isEdited: boolean;
  /** Whether this sollol would write it as it is; `undefined` if that cannot be told. */
  readonly isCurrent: boolean | undefined;
  /** Why it is not current, or cannot be compared; a clause. */
  readonly because: string | undefined;
  /** The command line that installs it again as it was asked for. */
  readonly again: string;
  /** The program that it starts, if its file is gone. */
  readonly missingProgram: string | undefined;
  /** What systemd knows of it; `undefined` where none runs. */
  readonly state: UnitState | undefined;
  /** Why it is not up, as a clause; `undefined` if it is, or nobody knows. */
  readonly trouble: string | undefined;
  /** Its last lines, oldest first, if it is in trouble or was started again. */
  readonly log: readonly string[];
}

/** How to find out how units stand. */
export interface ReportTools {
  /** The machine. */
  readonly host: UnitHost;
  /** Which systemd. */
  readonly place: UnitPlace;
  /** Ends the asking. */
  readonly signal: AbortSignal;
  /** What this sollol would write for arguments that a unit was written for; rejects if it would refuse. */
  readonly renderAgain: (args: readonly string[]) => Promise<readonly UnitFile[]>;
}

/** How many lines of a log are shown. */
const LOG_LINES = 8;

/**
 * How each unit stands that sollol wrote, and those that somebody edited since.
 *
 * @param stem Only those whose names begin so. Default: all.
 * @throws {Error} If the directory of units cannot be read; the signal's reason on abort.
 */
export async function readUnitReports(tools: ReportTools, stem?: string): Promise<UnitReport[]> {
  const { host, place, signal } = tools;
  const systemctl = new Systemctl(host, place, { signal });
  const live = await systemctl.whyAbsent() === undefined ? systemctl : undefined;
  const reports: UnitReport[] = [];
  for (const name of await host.readNames(place.directory)) {
    const found = stemOf(name);
    if (found === undefined || (stem !== undefined && found !== stem)) continue;
    const path = join(place.directory, name);
    const text = await host.readText(path).catch(() => undefined); // a link that leads in circles, or a directory
    if (text === undefined || originOf(text) === "foreign") continue;
    const file = await readFileReport({ name, text }, path, tools);
    const units = name.includes("@.") ? await findInstances(found, { host, place, systemctl: live }) : [name];
    for (const unit of units) reports.push({ ...file, unit, ...await readLife(unit, live) });
    if (units.length === 0) {
      reports.push({ ...file, unit: name, state: undefined, trouble: undefined, log: [] });
    }
  }
  return reports;
}

async function readLife(
  unit: string,
  live: Systemctl | undefined,
): Promise<Pick<UnitReport, "state" | "trouble" | "log">> {
  if (!live) return { state: undefined, trouble: undefined, log: [] };
  const state = await live.readState(unit);
  const trouble = troubleOf(state);
  const isWell = trouble === undefined && state.restartCount === 0;
  return { state, trouble, log: isWell ? [] : await live.readLog(unit, { lineCount: LOG_LINES }) };
}

async function readFileReport(
  { name, text }: UnitFile,
  path: string,
  tools: ReportTools,
): Promise<Omit<UnitReport, "unit" | "state" | "trouble" | "log">> {
  const isEdited = originOf(text) === "edited";
  const args = recordIn(text)!;
  return {
    role: ROLE_NAMES.find((role) => role === args[0]),
    path,
    again: installCommand(args, tools.place),
    isEdited,
    ...isEdited ? EDITED : await compare({ name, text }, args, tools),
    missingProgram: await findMissingProgram(text, tools),
  };
}

const EDITED = { isCurrent: undefined, because: "somebody edited it since sollol wrote it" };

async function compare(
  { name, text }: UnitFile,
  args: readonly string[],
  { renderAgain, signal }: ReportTools,
): Promise<Pick<UnitReport, "isCurrent" | "because">> {
  try {
    const again = (await renderAgain(args)).find((file) => file.name === name);
    const isCurrent = again?.text === text;
    return { isCurrent, because: isCurrent ? undefined : "this sollol would write it otherwise" };
  } catch (error) {
    signal.throwIfAborted();
    return { isCurrent: undefined, because: `it could not be rendered again: ${messageOf(error)}` };
  }
}

/** Secrets are not among what is recorded, but where they lie. */
function installCommand([role = "", ...words]: readonly string[], { manager, root }: UnitPlace): string {
  const start = [...(manager === "user" ? [] : ["sudo"]), "sollol", "systemd", role, "install"];
  const where = [
    ...(manager === "user" ? ["--user"] : []),
    ...(root === undefined ? [] : [`--root=${root}`]),
  ];
  return [...start, ...where, ...words].map(shellWord).join(" ");
}

async function findMissingProgram(text: string, { host, place }: ReportTools): Promise<string | undefined> {
  const program = programOf(text);
  if (program === undefined) return undefined;
  return await host.readInfo((place.root ?? "") + program) ? undefined : program;
}

/** The program that a service starts; `undefined` in a unit without one. Undoes the escapes of systemd. */
export function programOf(text: string): string | undefined {
  const [, quoted, plain] = /^ExecStart=[@:+!-]*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/m.exec(text) ?? [];
  const word = quoted?.replaceAll(/\\(.)/g, "$1") ?? plain;
  return word?.replaceAll("%%", "%").replaceAll("$$", "$");
}
