import { dirname } from "node:path";
import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { findInstances } from "./instances.ts";
import { writeSecrets } from "./secret_files.ts";
import { socketsFirst, Systemctl } from "./systemctl.ts";
import { readChanges, type UnitChange } from "./unit_changes.ts";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";
import type { UnitSet } from "./unit_set.ts";
import { type Standing, untilUp } from "./until_up.ts";
import { refuseWrite } from "./write_failure.ts";

/** With what units are installed or removed. */
export interface UnitTools {
  /** The machine. */
  readonly host: UnitHost;
  /** Which systemd. */
  readonly place: UnitPlace;
  /** Times waits. */
  readonly clock: Clock;
  /** Ends the work between two steps; to do it again completes it. */
  readonly signal: AbortSignal;
  /** Hears what is done, as a phrase that "…" could follow. */
  readonly onStep: (step: string) => void;
}

/** What an installation did. */
export interface InstallOutcome {
  /** What became of each file. */
  readonly changes: readonly UnitChange[];
  /** Paths of the secret files that were written. */
  readonly secrets: readonly string[];
  /** Instances that are no longer wanted and were stopped. */
  readonly retired: readonly string[];
  /** How each service stands, and the sockets that wait for them; empty where nothing is started. */
  readonly services: readonly Installed[];
}

/** What became of one service or socket. */
export interface Installed extends Standing {
  /** What had to be done to it; `undefined` if it ran as its unit says. */
  readonly wish: "start" | "restart" | undefined;
}

type Past = Pick<Installed, "unit" | "wish">;

/**
 * Writes units, and has systemd start them now and with the machine. To do it again changes nothing, or completes what
 * was interrupted.
 *
 * @returns Also if a service does not come up: its standing says why.
 * @throws {GatewayError} `conflict` if a file is not ours to overwrite, `invalid_request` if one cannot be written,
 *   `upstream_failed` if systemd refuses. The signal's reason on abort.
 */
export async function installUnits(
  set: UnitSet,
  tools: UnitTools,
  { force = false }: { force?: boolean } = {},
): Promise<InstallOutcome> {
  const { host, place, signal, onStep } = tools;
  const systemctl = new Systemctl(host, place, { signal });
  const isLive = place.root === undefined;
  if (isLive) await assertRunning(systemctl);
  const changes = await readChanges(set, { host, place, force });
  if (isLive) await assertNoNamesakes(changes, { systemctl, host, place });
  const changing = changes.filter(({ change }) => change !== "unchanged").map(({ name }) => name);
  if (changing.length > 0) onStep(`Writing ${changing.join(", ")}`);
  const secrets = await writeSecrets(set.secrets, host);
  const retired = await retire(set, changes, { ...tools, isLive, systemctl });
  await writeUnits(changes, tools);
  if (!isLive) {
    await systemctl.enable(set.enabled);
    return { changes, secrets, retired, services: [] };
  }
  const past = await readPast(set, changes, {
    systemctl,
    host,
    hasChanged: secrets.length > 0 || changing.length > 0,
  });
  onStep("Letting systemd read its units");
  await systemctl.reload();
  await systemctl.enable(set.enabled);
  return { changes, secrets, retired, services: await bringUp(past, systemctl, tools) };
}

async function assertRunning(systemctl: Systemctl): Promise<void> {
  const because = await systemctl.whyAbsent();
  if (because === undefined) return;
  throw new GatewayError(
    "invalid_request",
    `Cannot install units: ${because}. Without an action the units are printed, which works everywhere`,
  );
}

/**
 * What we write would hide a unit of a package that has the same name.
 *
 * @throws {GatewayError} `conflict` if there is one.
 */
async function assertNoNamesakes(
  changes: readonly UnitChange[],
  { systemctl, host, place }: { systemctl: Systemctl; host: UnitHost; place: UnitPlace },
): Promise<void> {
  const ours = await host.readRealPath(place.directory);
  for (const { name, change } of changes) {
    if (change !== "written" || name.includes("@.")) continue;
    const { path } = await systemctl.readState(name);
    if (path === undefined || (await host.readRealPath(dirname(path))) === ours) continue;
    throw new GatewayError(
      "conflict",
      `Cannot install ${name}: this system has one already, ${path}; choose another name by --name`,
    );
  }
}

/** Stops and takes away what an earlier installation under this name wanted and this one does not. */
async function retire(
  set: UnitSet,
  changes: readonly UnitChange[],
  { host, place, isLive, systemctl }: UnitTools & { isLive: boolean; systemctl: Systemctl },
): Promise<string[]> {
  const asked = isLive ? systemctl : undefined;
  const instances = await findInstances(set.stem, { host, place, systemctl: asked });
  const gone = changes.filter(({ change, name }) => change === "removed" && !name.includes("@."));
  const retired = [
    ...instances.filter((name) => !set.enabled.includes(name)),
    ...gone.map(({ name }) => name),
  ];
  if (isLive) await systemctl.stop(retired);
  await systemctl.disable(retired);
  return retired;
}

async function writeUnits(changes: readonly UnitChange[], { host, signal }: UnitTools): Promise<void> {
  for (const { path, text, change } of changes) {
    signal.throwIfAborted();
    if (change === "unchanged") continue;
    try {
      if (text === undefined) await host.remove(path);
      else {
        await host.makeDirectory(dirname(path), 0o755);
        await host.writeText(path, text, 0o644);
      }
    } catch (error) {
      throw refuseWrite(error, path);
    }
  }
}

/** How each unit ran before systemd reads its files again. */
async function readPast(
  set: UnitSet,
  changes: readonly UnitChange[],
  { systemctl, host, hasChanged }: { systemctl: Systemctl; host: UnitHost; hasChanged: boolean },
): Promise<Past[]> {
  const paths = [...changes.map(({ path }) => path), ...set.secrets.map(({ path }) => path)];
  const infos = await Promise.all(paths.map((path) => host.readInfo(path)));
  const writtenMs = Math.max(0, ...infos.map((info) => info?.changedAtMs ?? 0));
  const units = new Set([...set.services, ...set.enabled]); // a socket is enabled, but no service
  return await Promise.all(Array.from(units, async (unit): Promise<Past> => {
    const { active, needsReload, activeSinceMs } = await systemctl.readState(unit);
    if (active !== "active") return { unit, wish: "start" };
    // An earlier installation may have been cut off between its writing and its restart.
    const isOlder = activeSinceMs !== undefined && Math.floor(writtenMs / 1_000) * 1_000 > activeSinceMs;
    return { unit, wish: hasChanged || needsReload || isOlder ? "restart" : undefined };
  }));
}

async function bringUp(
  past: readonly Past[],
  systemctl: Systemctl,
  { clock, signal, onStep }: UnitTools,
): Promise<Installed[]> {
  const due = past.filter(({ wish }) => wish !== undefined).map(({ unit }) => unit);
  if (due.length > 0) {
    onStep(`Starting ${due.join(", ")}`);
    await systemctl.restart(socketsFirst(due)); // how one failed is read from its state
  }
  return await Promise.all(past.map(async ({ unit, wish }) => {
    const patience = { clock, signal, ...(wish === undefined && { steadyMs: 0 }) };
    return { ...await untilUp(systemctl, unit, patience), wish };
  }));
}
