import type { InstallOutcome } from "../systemd/install.ts";
import type { UninstallOutcome } from "../systemd/uninstall.ts";
import type { UnitPlace } from "../systemd/unit_place.ts";
import type { UnitReport } from "../systemd/unit_report.ts";
import type { UnitSet } from "../systemd/unit_set.ts";
import type { UnitState } from "../systemd/unit_state.ts";
import { formatBytes, formatDuration } from "../units.ts";
import { renderFields } from "./table.ts";
import { type Paint, printable } from "./terminal.ts";

/** What was installed, its log if it is in trouble, and what became of it beyond being up. */
export interface InstalledView {
  /** What was done, and how the services stand. */
  readonly outcome: InstallOutcome;
  /** Last lines by unit, of those that are in trouble. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** More of interest: names and values. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Whether the operator chose the name of the units. */
  readonly isNamed: boolean;
}

const CHANGES = {
  written: "written",
  replaced: "replaced",
  unchanged: "up to date",
  removed: "removed, it is no longer wanted",
} as const;

/** What an installation did, and what a person may want to do next. */
export function installToText(
  set: UnitSet,
  { outcome, logs, facts, isNamed }: InstalledView,
  { place, paint }: { place: UnitPlace; paint: Paint },
): string {
  const files = outcome.changes.map(({ path, change }) => `${path}: ${CHANGES[change]}\n`);
  const secrets = outcome.secrets.map((path) => `${path}: written, only its owner can read it\n`);
  const retired = outcome.retired.map((unit) => `${unit}: stopped, it is no longer wanted\n`);
  const services = outcome.services.map(({ unit, trouble, wish, state }) => {
    if (trouble !== undefined) {
      return `${unit}: ${paint("bad", "not up")}, ${trouble}\n${indented(logs.get(unit) ?? [])}`;
    }
    const verb = wish === undefined ? "ran already as its unit says" : `${wish}ed`;
    const words = state.statusText === "" ? "" : `; it says: ${printable(state.statusText)}`;
    return `${unit}: ${paint("good", "up")}, ${verb}${
      state.pid === undefined ? "" : ` (pid ${state.pid})`
    }${words}\n`;
  });
  const next = outcome.services.length > 0 ? nextSteps(set, place, isNamed) : enabledOnly(set);
  return [...files, ...secrets, ...retired, ...services, "\n", renderFields([...facts, ...next])].join("");
}

function enabledOnly({ enabled }: UnitSet): [string, string][] {
  return [["starts", `with that system: ${enabled.join(", ")}`]];
}

function nextSteps(
  { services, role, stem }: UnitSet,
  { manager }: UnitPlace,
  isNamed: boolean,
): [string, string][] {
  const [first = ""] = services;
  const scope = manager === "user" ? "--user " : "";
  const sudo = manager === "user" ? "" : "sudo ";
  const name = isNamed ? ` --name ${stem}` : "";
  return [
    ["log", `journalctl ${scope}--unit ${first} --follow`],
    ["state", `sollol systemd ${role} status${scope === "" ? "" : " --user"}${name}`],
    ["change", `${sudo}systemctl ${scope}edit ${first}`],
    ["remove", `${sudo}sollol systemd ${role} uninstall${scope === "" ? "" : " --user"}${name}`],
  ];
}

/** What was taken away, and what stays. */
export function uninstallToText(stem: string, { removed, kept }: UninstallOutcome): string {
  if (removed.length === 0 && kept.length === 0) return `Nothing of ${stem} is installed.\n`;
  return [
    ...removed.map((path) => `${path}: removed\n`),
    ...kept.map(({ path, because }) => `${path}: kept, ${because}\n`),
  ].join("");
}

/** How units stand, one paragraph each. */
export function reportsToText(
  reports: readonly UnitReport[],
  { paint, nowMs }: { paint: Paint; nowMs: number },
): string {
  return reports.map((report) => reportToText(report, paint, nowMs)).join("\n");
}

function reportToText(report: UnitReport, paint: Paint, nowMs: number): string {
  const { unit, path, state, trouble, log, missingProgram } = report;
  const fields = renderFields([
    ["  file", `${path}, ${fileState(report)}`],
    [
      "  program",
      missingProgram === undefined ? "" : `${missingProgram} is gone; put it back, or install the unit again`,
    ],
    ["  starts", state && startOf(state)],
    ["  changed by", state?.dropIns.join(", ")],
    ["  says", state && printable(state.statusText)],
    ["  to do", toDo(report)],
  ]);
  const life = state === undefined
    ? "nothing is known of it, since no systemd runs here"
    : trouble === undefined
    ? `${paint("good", state.active)}${livesSince(state, nowMs)}`
    : `${paint("bad", state.active || "not up")}, ${trouble}${restarts(state)}`;
  return `${paint("heading", unit)}: ${life}\n${fields}${indented(log)}`;
}

function fileState({ isEdited, isCurrent, because }: UnitReport): string {
  if (isEdited) return "edited since sollol wrote it";
  if (isCurrent) return "up to date";
  return isCurrent === undefined ? because ?? "" : `out of date: ${because}`;
}

function toDo({ state, isCurrent, again }: UnitReport): string {
  if (isCurrent === false) return again;
  return state?.needsReload ? "systemctl daemon-reload: files have changed since systemd read them" : "";
}

function startOf({ enabled }: UnitState): string {
  return enabled === "enabled" ? "with the machine" : `not by itself (${enabled || "no file"})`;
}

function livesSince(state: UnitState, nowMs: number): string {
  const { activeSinceMs, pid, memoryBytes } = state;
  return [
    activeSinceMs === undefined ? "" : ` for ${formatDuration(Math.max(0, nowMs - activeSinceMs))}`,
    pid === undefined ? "" : `, pid ${pid}`,
    memoryBytes === undefined ? "" : `, ${formatBytes(memoryBytes)}`,
    restarts(state),
  ].join("");
}

function restarts({ restartCount }: UnitState): string {
  if (restartCount === 0) return "";
  return `, started again ${restartCount === 1 ? "once" : `${restartCount} times`}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${printable(line)}\n`).join("");
}
