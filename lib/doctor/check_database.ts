import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { messageOf } from "../errors.ts";
import { MIGRATIONS } from "../store/migrations.ts";
import { formatBytes } from "../units.ts";
import { fail, type Finding, ok } from "./finding.ts";

/**
 * Whether the file of the state is a sound database that this sollol understands. Only reads: nothing is repaired, and no
 * side file is made.
 */
export function examineDatabase(path: string): Finding {
  const info = infoOf(path);
  if (!info) return ok(`${path} is made by the first start`);
  if (!info.isFile) {
    return fail(`${path} is no file`, `move it away: mv ${path} ${path}.aside`);
  }
  if (info.size === 0) return ok(`${path} is empty, and begun by the next start`);
  try {
    const { trouble, version } = readOnly(path);
    if (trouble !== "ok") return damaged(path, trouble);
    if (version > MIGRATIONS.length) {
      return fail(
        `${path} is of a newer sollol (schema ${version}, this one knows up to ${MIGRATIONS.length})`,
        "upgrade sollol here, or name another directory by state_dir",
        { path, version },
      );
    }
    return ok(`${path} is sound (${formatBytes(info.size)})`, { path, version, sizeBytes: info.size });
  } catch (error) {
    const message = messageOf(error);
    if (/malformed|not a database/.test(message)) return damaged(path, message);
    return fail(
      `${path} cannot be read: ${message}`,
      `run sudo sollol doctor, or chown it to the user of the gateway`,
    );
  }
}

function damaged(path: string, trouble: string): Finding {
  return fail(
    `${path} is damaged: ${trouble}`,
    `put a backup there, or let the next start of sollol set it aside and begin a new one`,
    { path },
  );
}

function readOnly(path: string): { trouble: string; version: number } {
  using connection = new DatabaseSync(":memory:");
  // without a side file nobody writes it now, and SQLite is told so: else it would make one
  const how = infoOf(`${path}-wal`) ? "mode=ro" : "mode=ro&immutable=1";
  connection.prepare("ATTACH ? AS disk").run(`${pathToFileURL(path).href}?${how}`);
  const first = connection.prepare("PRAGMA disk.quick_check(1)").get();
  const version = Number(connection.prepare("PRAGMA disk.user_version").get()?.["user_version"]);
  return { trouble: String(first?.["quick_check"]), version };
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined; // the directory's own check tells what is in the way
  }
}
