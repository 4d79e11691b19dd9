import { dirname, join } from "node:path";
import { findInstances } from "./instances.ts";
import type { UnitTools } from "./install.ts";
import { secretPath, WORKER_TOKEN } from "./secret_files.ts";
import { Systemctl } from "./systemctl.ts";
import { readChanges } from "./unit_changes.ts";
import { fileNamesOf, type UnitSet } from "./unit_set.ts";
import { refuseWrite } from "./write_failure.ts";

/** What was taken away. */
export interface UninstallOutcome {
  /** Paths of files and directories that are gone. */
  readonly removed: readonly string[];
  /** What stays though it belongs to these units, with the reason. */
  readonly kept: readonly Kept[];
}

/** What an uninstallation leaves. */
export interface Kept {
  /** Path of a file or directory, or the name of a unit whose service has stored something. */
  readonly path: string;
  /** Why, as a clause. */
  readonly because: string;
}

/** How much goes. */
export interface UninstallWish {
  /** Takes away units that somebody edited, too. */
  readonly force?: boolean;
  /** Takes away what the services have stored and what was set beside the units, too. */
  readonly purge?: boolean;
}

/**
 * Stops services and takes away their units, and the secrets that were written for them. To do it again completes
 * what was interrupted.
 *
 * @param set What they run, and what their names begin with.
 * @throws {GatewayError} `conflict` if a file is not ours to remove, `invalid_request` if one cannot be removed. The
 *   signal's reason on abort.
 */
export async function uninstallUnits(
  { role, stem }: Pick<UnitSet, "role" | "stem">,
  tools: UnitTools,
  { force = false, purge = false }: UninstallWish = {},
): Promise<UninstallOutcome> {
  const { host, place, signal, onStep } = tools;
  const systemctl = new Systemctl(host, place, { signal });
  const isLive = place.root === undefined && await systemctl.whyAbsent() === undefined;
  const changes = await readChanges({ role, stem, files: [] }, { host, place, force });
  const live = isLive ? systemctl : undefined;
  const instances = await findInstances(stem, { host, place, systemctl: live });
  const names = changes.map(({ name }) => name).filter((name) => !name.includes("@."));
  const units = [...names, ...await findFileless(stem, names, live), ...instances];
  if (units.length > 0) onStep(`Stopping ${units.join(", ")}`);
  await live?.stop(units);
  await systemctl.disable(units);
  const unclean = purge && live ? await cleanAll(live, units) : [];
  const removed: string[] = [];
  for (const { path } of changes) {
    if (await removeFile(path, tools)) removed.push(path);
  }
  removed.push(...await removeSecrets(stem, tools));
  const drops = await findDropIns([...changes.map(({ name }) => name), ...instances], tools);
  for (const path of purge ? drops : []) if (await host.removeTree(path)) removed.push(path);
  await live?.reload();
  const spared = purge ? [] : drops.map((path) => ({ path, because: "somebody set it; --purge removes it" }));
  return { removed, kept: [...spared, ...unclean] };
}

/** Units that run though their files are gone: what an uninstallation that was cut off leaves. */
async function findFileless(
  stem: string,
  known: readonly string[],
  live: Systemctl | undefined,
): Promise<string[]> {
  const found: string[] = [];
  for (const unit of fileNamesOf(stem).filter((name) => !name.includes("@.") && !known.includes(name))) {
    const state = await live?.readState(unit);
    if (state?.path === undefined && state?.pid !== undefined) found.push(unit);
  }
  return found;
}

/** Removes what services have stored. @returns Those of which it could not be removed. */
async function cleanAll(live: Systemctl, units: readonly string[]): Promise<Kept[]> {
  const unclean: Kept[] = [];
  for (const unit of units) {
    if (!unit.endsWith(".service")) continue;
    const failure = await live.clean(unit);
    if (failure === undefined) continue;
    unclean.push({ path: unit, because: `what it has stored could not be removed: systemctl ${failure}` });
  }
  return unclean;
}

async function removeSecrets(stem: string, tools: UnitTools): Promise<string[]> {
  const { real } = secretPath(tools.place, stem, WORKER_TOKEN);
  if (!await removeFile(real, tools)) return [];
  for (const directory of [dirname(real), tools.place.secrets]) {
    await tools.host.remove(directory).catch(() => {}); // not empty: there is more than ours
  }
  return [real];
}

/** Where the files of `systemctl edit` are. */
async function findDropIns(units: readonly string[], { host, place }: UnitTools): Promise<string[]> {
  const paths = [...new Set(units)].map((unit) => join(place.directory, `${unit}.d`));
  const infos = await Promise.all(paths.map((path) => host.readInfo(path)));
  return paths.filter((_path, index) => infos[index]?.type === "directory");
}

async function removeFile(path: string, { host }: UnitTools): Promise<boolean> {
  try {
    return await host.remove(path);
  } catch (error) {
    throw refuseWrite(error, path);
  }
}
