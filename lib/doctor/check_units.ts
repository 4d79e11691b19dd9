import type { UnitReport } from "../systemd/unit_report.ts";
import { listNames } from "../name_list.ts";
import { fail, type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** A unit that sollol installed, and whose it is. */
export interface InstalledUnit {
  /** How it stands. */
  readonly report: UnitReport;
  /** Whether it is of a user's own systemd. */
  readonly isOfUser: boolean;
}

/** Whether a unit is the service of a gateway, whatever its name. */
export function isGatewayService({ report: { role, unit } }: InstalledUnit): boolean {
  return role === "gateway" && unit.endsWith(".service");
}

/** Whether an installed unit runs, runs what is installed, and is what this sollol would install. */
export async function examineUnit(
  machine: Pick<Machine, "readLink">,
  { report, isOfUser }: InstalledUnit,
): Promise<Finding> {
  const { unit, path, state, trouble, isCurrent, isEdited, because, again, missingProgram, log } = report;
  if (unit.includes("@.")) return skip(`${path} is a template; no instance of it is enabled`);
  const systemctl = isOfUser ? "systemctl --user" : "sudo systemctl";
  const figures = {
    path,
    isEdited,
    isCurrent,
    active: state?.active,
    pid: state?.pid,
    restartCount: state?.restartCount,
  };
  if (missingProgram !== undefined) {
    return fail(
      `its program ${missingProgram} is gone`,
      `put it there, then ${systemctl} restart ${unit}; or install the unit again: ${again}`,
      figures,
    );
  }
  if (!state) return skip(`${path} is installed, but systemd does not run here`);
  if (trouble !== undefined) {
    const lastLine = log.at(-1);
    return fail(
      trouble + (lastLine === undefined ? "" : `; it said last: ${lastLine.slice(0, 200)}`),
      `journalctl ${isOfUser ? "--user-unit" : "-u"} ${unit} -n 50; then ${systemctl} restart ${unit}`,
      figures,
    );
  }
  const { pid, restartCount, needsReload, enabled, dropIns } = state;
  if (isCurrent === false) {
    return warn(
      because ?? "this sollol would write it otherwise",
      `install it again: ${again}`,
      figures,
    );
  }
  if (needsReload) {
    const cure = `${systemctl} daemon-reload && ${systemctl} restart ${unit}`;
    return warn("its file was changed after systemd read it", cure, figures);
  }
  const program = pid === undefined ? undefined : await machine.readLink(`/proc/${pid}/exe`);
  if (program?.endsWith(REPLACED)) {
    const file = program.slice(0, -REPLACED.length);
    return warn(
      `it still runs the old ${file}, which was replaced (pid ${pid})`,
      `${systemctl} restart ${unit}`,
      figures,
    );
  }
  if (enabled === "disabled") {
    return warn("it runs, but does not start with the machine", `${systemctl} enable ${unit}`, figures);
  }
  const notes = [
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(isEdited ? ["edited by hand"] : []),
    ...(dropIns.length > 0 ? [`changed by ${listNames(dropIns, 2)}`] : []),
    ...(restartCount > 0 ? [`started again ${restartCount === 1 ? "once" : `${restartCount} times`}`] : []),
  ];
  return ok(`${state.sub}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`, figures);
}

/** What the kernel adds to the path of a program whose file is gone. */
const REPLACED = " (deleted)";
