import { dirname } from "node:path";
import type { ManagerKind } from "../../systemd/unit_file.ts";
import type { ReadablePath } from "../../systemd/service_options.ts";
import { shellWord } from "../process/shell_word.ts";
import { findClosedDirectory, isHidden } from "./service_reach.ts";
import type { FileInfo, UnitHost } from "./unit_host.ts";

/** What a service needs to read files of others. */
export interface StoreAccess {
  /** What lies where it could not look. */
  readonly paths: readonly ReadablePath[];
  /** Groups that may read what others may not. */
  readonly groups: readonly string[];
  /** Sentences on what it still cannot read. */
  readonly warnings: readonly string[];
}

const NEEDS_NOTHING: StoreAccess = { paths: [], groups: [], warnings: [] };

/** How a service of the system gets to read models. That of a user may read what the user may. */
export async function findStoreAccess(
  host: UnitHost,
  roots: readonly string[],
  { manager, signal }: { manager: ManagerKind; signal: AbortSignal },
): Promise<StoreAccess> {
  if (manager === "user") return NEEDS_NOTHING;
  const each = await Promise.all(roots.map((path) => accessTo(path, host, signal)));
  return {
    paths: each.flatMap(({ paths }) => paths),
    groups: [...new Set(each.flatMap(({ groups }) => groups))],
    warnings: each.flatMap(({ warnings }) => warnings),
  };
}

async function accessTo(path: string, host: UnitHost, signal: AbortSignal): Promise<StoreAccess> {
  const info = await host.readInfo(path);
  if (!info) return isHidden(path) ? { ...NEEDS_NOTHING, paths: [{ path }] } : NEEDS_NOTHING;
  const closedBy = isHidden(path) ? undefined : await findClosedDirectory(host, dirname(path));
  const isInTheWay = isHidden(path) || closedBy !== undefined;
  const paths = isInTheWay ? [{ path, ...(closedBy !== undefined && { closedBy }) }] : [];
  return { ...await groupsFor(path, info, host, signal), paths };
}

/** By whose rights the directory or file itself can be read. */
async function groupsFor(
  path: string,
  { mode, groupId, type }: FileInfo,
  host: UnitHost,
  signal: AbortSignal,
): Promise<StoreAccess> {
  const wanted = type === "directory" ? 0o5 : 0o4;
  if ((mode & wanted) === wanted) return NEEDS_NOTHING;
  if (((mode >> 3) & wanted) === wanted && groupId !== 0) {
    const { code, stdout } = await host.run("getent", ["group", String(groupId)], { signal });
    const [name = ""] = stdout.split(":");
    if (code === 0 && name !== "") return { ...NEEDS_NOTHING, groups: [name] };
  }
  const warning = `the service may not read ${path}; open it to others: chmod -R o+rX ${shellWord(path)}`;
  return { ...NEEDS_NOTHING, warnings: [warning] };
}
