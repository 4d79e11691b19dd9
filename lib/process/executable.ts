import { GatewayError } from "../errors.ts";

/**
 * Checks that a program can be started, and gives its path.
 *
 * The child is started through a wrapper, which would tell a missing program only by its exit code.
 *
 * @param program A path, or a name that is looked for on `searchPath`.
 * @param searchPath Directories separated by `:`, as in `PATH`.
 * @throws {GatewayError} `backend_unreachable` if there is no such file or it may not be executed.
 */
export async function resolveExecutable(program: string, searchPath = ""): Promise<string> {
  if (program.includes("/")) {
    const fault = await faultOf(program);
    if (fault) throw cannotStart(program, `${fault}; check the path`);
    return program;
  }
  for (const directory of searchPath.split(":").filter((part) => part !== "")) {
    const path = `${directory}/${program}`;
    if (await faultOf(path) === undefined) return path;
  }
  throw cannotStart(program, "it is not on PATH; install it or configure its full path");
}

function cannotStart(program: string, why: string): GatewayError {
  return new GatewayError("backend_unreachable", `Cannot start "${program}": ${why}`);
}

async function faultOf(path: string): Promise<string | undefined> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    if (!isFile) return "it is no file";
    if (mode !== null && (mode & 0o111) === 0) return "it may not be executed";
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "it does not exist";
    if (error instanceof Deno.errors.PermissionDenied) return "its directory may not be read";
    throw error;
  }
}
