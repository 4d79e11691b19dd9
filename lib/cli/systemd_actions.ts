import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { shellWord } from "../process/shell_word.ts";
import { installUnits, type UnitTools } from "../systemd/install.ts";
import { Systemctl } from "../systemd/systemctl.ts";
import { uninstallUnits } from "../systemd/uninstall.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { UnitPlace } from "../systemd/unit_place.ts";
import type { UnitReport } from "../systemd/unit_report.ts";
import type { CommandContext, ExitCode, OptionSpecs } from "./command.ts";
import { writeJson, writeWarning } from "./output.ts";
import { startProgress } from "./progress.ts";
import { untilJoined } from "./systemd_join.ts";
import { wordsOf } from "./systemd_options.ts";
import type { RoleSpec } from "./systemd_role.ts";
import { installToText, reportsToText, uninstallToText } from "./systemd_text.ts";
import { type CommonValues, describeUnits, placeOf, readOurUnits, stemFor } from "./systemd_units.ts";
import { painter } from "./terminal.ts";

/** What can be done with units. */
export const ACTIONS = ["print", "install", "uninstall", "status"] as const;

/** One of {@linkcode ACTIONS}. */
export type Action = (typeof ACTIONS)[number];

/** What an action is done with. */
export interface ActionTools {
  /** The machine. */
  readonly host: UnitHost;
  /** Times waits. */
  readonly clock: Clock;
}

/** What a command of a role, or the one that shows all units, runs in. */
export type Context = CommandContext<OptionSpecs>;

/** How many lines of a log are shown. */
const LOG_LINES = 12;

/** Prints the units. */
export async function printUnits(role: RoleSpec, context: Context, { host }: ActionTools): Promise<ExitCode> {
  const { options, stdout } = context;
  const place = placeOf(options as CommonValues, host); // safe: every role has these options
  const { files } = await describeUnits(role, options, place, {
    ...context,
    host,
    warn: (text) => writeWarning(context, text),
    purpose: "print",
  });
  if (options["json"]) {
    writeJson(context, files.map(({ name, text }) => ({ name, path: join(place.directory, name), text })));
  } else if (files.length === 1) stdout.write(files[0]!.text);
  else for (const { name, text } of files) stdout.write(`# ${join(place.directory, name)}\n${text}\n`);
  return 0;
}

/** Installs the units. @returns 1 if a service does not come up. */
export async function install(role: RoleSpec, context: Context, tools: ActionTools): Promise<ExitCode> {
  const { options, stdout, stderr, env, signal } = context;
  const { host, clock } = tools;
  const common = options as CommonValues; // safe: every role has them
  const place = placeOf(common, host);
  assertMayWrite("install", role, context, { host, place });
  const warn = (text: string) => writeWarning(context, text);
  const set = await describeUnits(role, options, place, { ...context, host, warn, purpose: "install" });
  using progress = startProgress({ stderr, env }, `Installing ${set.stem}`);
  const unitTools: UnitTools = { host, place, clock, signal, onStep: progress.update };
  const outcome = await installUnits(set, unitTools, { force: common.force ?? false });
  const isUp = outcome.services.every(({ trouble }) => trouble === undefined);
  const systemctl = new Systemctl(host, place, { signal });
  const isJoining = isUp && role.role === "worker" && options["check"] !== false && place.root === undefined;
  if (isJoining) progress.update("Waiting until it has joined the gateway");
  const joined = isJoining
    ? await untilJoined(systemctl, outcome.services[0]!.unit, { clock, signal })
    : undefined;
  progress[Symbol.dispose]();
  const logs = await readLogs(outcome.services.filter(({ trouble }) => trouble !== undefined), systemctl);
  if (options["json"]) {
    writeJson(context, {
      role: set.role,
      units: outcome.changes.map(({ name, path, change }) => ({ name, path, change })),
      secrets: outcome.secrets,
      retired: outcome.retired,
      services: outcome.services.map((service) => ({ ...service, log: logs.get(service.unit) ?? [] })),
      joined: joined?.isJoined,
    });
  } else {
    const facts = [...(joined === undefined ? [] : [["gateway", joined.sentence] as const]), ...set.next];
    const isNamed = set.stem !== role.stem;
    stdout.write(
      installToText(set, { outcome, logs, facts, isNamed }, { place, paint: painter(stdout, env) }),
    );
  }
  return isUp && joined?.isJoined !== false ? 0 : 1;
}

/** Takes the units away. */
export async function uninstall(
  role: RoleSpec,
  context: Context,
  { host, clock }: ActionTools,
): Promise<ExitCode> {
  const { options, stdout, stderr, env, signal } = context;
  const common = options as CommonValues; // safe: every role has them
  const place = placeOf(common, host);
  const stem = stemFor(role, common);
  assertMayWrite("uninstall", role, context, { host, place });
  using progress = startProgress({ stderr, env }, `Removing ${stem}`);
  const tools: UnitTools = { host, place, clock, signal, onStep: progress.update };
  const { force = false, purge = false } = common;
  const outcome = await uninstallUnits({ role: role.role, stem }, tools, { force, purge });
  progress[Symbol.dispose]();
  if (options["json"]) writeJson(context, outcome);
  else stdout.write(uninstallToText(stem, outcome));
  return 0;
}

/** Shows how units stand. @returns 1 if one is in trouble, or what was asked for is not installed. */
export async function showUnits(
  role: RoleSpec | undefined,
  context: Context,
  { host, clock }: ActionTools,
): Promise<ExitCode> {
  const { options, stdout, env } = context;
  const common = options as CommonValues; // safe: these options are there
  const place = placeOf(common, host);
  const stem = role && stemFor(role, common);
  const warn = (text: string) => writeWarning(context, text);
  const reports = await readOurUnits(place, { ...context, host, warn }, stem);
  if (options["json"]) writeJson(context, reports);
  else if (reports.length === 0) stdout.write(`No units of ${stem ?? "sollol"} are in ${place.directory}.\n`);
  else stdout.write(reportsToText(reports, { paint: painter(stdout, env), nowMs: clock.now() }));
  return reports.some(isBroken) || (role !== undefined && reports.length === 0) ? 1 : 0;
}

function isBroken({ trouble, missingProgram }: UnitReport): boolean {
  return trouble !== undefined || missingProgram !== undefined;
}

async function readLogs(
  services: readonly { readonly unit: string }[],
  systemctl: Systemctl,
): Promise<Map<string, readonly string[]>> {
  const logs = new Map<string, readonly string[]>();
  for (const { unit } of services) logs.set(unit, await systemctl.readLog(unit, { lineCount: LOG_LINES }));
  return logs;
}

/** @throws {GatewayError} `forbidden` with the command that would be allowed. */
function assertMayWrite(
  action: Action,
  role: RoleSpec,
  { options, root }: Context,
  { host, place }: { host: UnitHost; place: UnitPlace },
): void {
  if (place.manager === "user" || place.root !== undefined || host.userId === 0) return;
  const isSecret = options["token"] !== undefined;
  const words = wordsOf(role.options, { ...options, ...(isSecret && { token: "TOKEN" }) });
  const command = [root.name, "systemd", role.role, action, ...words].map(shellWord).join(" ");
  throw new GatewayError(
    "forbidden",
    `Cannot ${action} units of the system as user ${host.userId}: only root may. Run "sudo ${command}", ` +
      "or add --user to use your own systemd",
  );
}
