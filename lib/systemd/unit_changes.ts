import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { renderDiff } from "./unit_diff.ts";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";
import { originOf, recordIn } from "./unit_record.ts";
import { fileNamesOf, type Role, type UnitSet } from "./unit_set.ts";

/** What becomes of one file. */
export interface UnitChange {
  /** Name of the unit. */
  readonly name: string;
  /** Where it lies. */
  readonly path: string;
  /** What is done with it: `replaced` overwrites what an earlier install wrote, `removed` is no longer wanted. */
  readonly change: "written" | "replaced" | "unchanged" | "removed";
  /** What it will hold; `undefined` if it is removed. */
  readonly text: string | undefined;
}

/**
 * Compares what is wanted with what lies on disk, before anything is changed.
 *
 * @throws {GatewayError} `conflict` if a file is not ours or of another role, is masked, or was edited by somebody and `force`
 *   is not set.
 */
export async function readChanges(
  set: Pick<UnitSet, "role" | "stem" | "files">,
  { host, place, force }: { host: UnitHost; place: UnitPlace; force: boolean },
): Promise<UnitChange[]> {
  const changes: UnitChange[] = [];
  for (const { name, text } of set.files) {
    const path = join(place.directory, name);
    const found = await readOurs(path, { host, force, wanted: text, role: set.role });
    const change = found === undefined ? "written" : found === text ? "unchanged" : "replaced";
    changes.push({ name, path, change, text });
  }
  const unwanted = fileNamesOf(set.stem).filter((name) => !set.files.some((file) => file.name === name));
  for (const name of unwanted) {
    const path = join(place.directory, name);
    const found = await readOurs(path, { host, force, wanted: "", role: set.role });
    if (found !== undefined) changes.push({ name, path, change: "removed", text: undefined });
  }
  return changes;
}

/**
 * A file that we may overwrite or remove; `undefined` if there is none.
 *
 * @throws {GatewayError} `conflict` if there is one that we may not touch.
 */
async function readOurs(
  path: string,
  { host, force, wanted, role }: { host: UnitHost; force: boolean; wanted: string; role: Role },
): Promise<string | undefined> {
  const target = await host.readLink(path);
  if (target !== undefined) {
    throw conflict(path, target === "/dev/null" ? MASKED : `it is a link to ${target}`);
  }
  const found = await host.readText(path);
  if (found === undefined || found === wanted) return found;
  const origin = originOf(found);
  if (origin === "foreign") throw conflict(path, FOREIGN);
  const [foundRole] = recordIn(found) ?? [];
  if (foundRole !== role) {
    throw conflict(path, `it is the unit of a ${foundRole}, not of a ${role}; choose another name by --name`);
  }
  if (origin === "edited" && !force) {
    const what = wanted === "" ? "" : ` This would change:\n${renderDiff(found, wanted)}\n`;
    throw conflict(path, `somebody edited it since sollol wrote it.${what}${EDITED}`);
  }
  return found;
}

const MASKED = 'it is masked; unmask it with "systemctl unmask"';
const FOREIGN = "it is not sollol's; choose another name by --name, or move that file away";
const EDITED =
  ' Use --force to do so all the same. Changes that shall stay belong beside it: "systemctl edit" makes a file for them';

function conflict(path: string, why: string): GatewayError {
  return new GatewayError("conflict", `Cannot touch ${path}: ${why}`);
}
