import { GatewayError, messageOf } from "../errors.ts";

/**
 * Checks that a program can be started, and gives its path.
 *
 * The child is started through a wrapper, which would tell a missing program only by its exit code.
 *
 * @param program A path, or a name that is looked for on `searchPath`.
 * @param searchPath Directories separated by `:`, as in `PATH`.
 * @throws {GatewayError} `backend_unreachable` if there is no such file or it may not be executed.
 */
export async function resolveExecutable(program: string, searchPath?: string): Promise<string> {
  if (program.includes("/")) {
    const fault = await faultOf(program);
    if (fault) throw cannotStart(program, `${fault}; check the path`);
    return program;
  }
  const found = await findOnPath(program, searchPath);
  if (found !== undefined) return found;
  throw cannotStart(program, "it is not on PATH; install it or configure its full path");
}

/** The first executable of this name in the directories of a `PATH`. */
export async function findOnPath(name: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const directory of directoriesOf(searchPath)) {
    const path = `${directory}/${name}`;
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** The directories of a `PATH`. Relative ones, the empty one included, mean the working directory: no place for us. */
export function directoriesOf(searchPath: string | undefined): string[] {
  return (searchPath ?? "").split(":").filter((directory) => directory.startsWith("/"));
}

/** Whether there is a file that we may execute. */
export async function isExecutable(path: string): Promise<boolean> {
  return await faultOf(path) === undefined;
}

function cannotStart(program: string, why: string): GatewayError {
  return new GatewayError("backend_unreachable", `Cannot start "${program}": ${why}`);
}

async function faultOf(path: string): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
    if (!info.isFile) return "it is no file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "it does not exist";
    if (error instanceof Deno.errors.PermissionDenied) return "its directory may not be read";
    return messageOf(error);
  }
  return await mayExecute(info) ? undefined : "it may not be executed";
}

/** By the bits of the file alone; `access()` of Deno 2.9.6 does so, too, and forgets the groups that we are in. */
async function mayExecute({ mode, uid, gid }: Deno.FileInfo): Promise<boolean> {
  if (mode === null) return true; // a system without such bits
  const user = Deno.uid();
  if (user === 0) return (mode & 0o111) !== 0;
  if (uid === user) return (mode & 0o100) !== 0;
  const { default: process } = await import("node:process");
  const isOfGroup = gid === Deno.gid() || (process.getgroups?.() ?? []).includes(gid ?? -1);
  return (mode & (isOfGroup ? 0o010 : 0o001)) !== 0;
}
