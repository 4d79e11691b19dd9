import { quotePath } from "./quote.ts";
import type { ReadablePath } from "./service_options.ts";

/** What `ProtectHome=` takes from a service. */
const HOMES = /^\/(home|root|run\/user)(\/|$)/;

/**
 * The lines that hide homes from a service of the system, but for what it must read there. The directories above that
 * are closed to other users are empty ones of its own, so it needs no right to pass them.
 *
 * @throws {RangeError} If a path is not absolute, or no unit can hold it.
 */
export function readableLines(paths: readonly ReadablePath[]): string[] {
  const isAnyInHome = paths.some(({ path }) => HOMES.test(path));
  const closed = paths.flatMap(({ closedBy }) =>
    closedBy === undefined || HOMES.test(closedBy) ? [] : [closedBy]
  );
  return [
    `ProtectHome=${isAnyInHome ? "tmpfs" : "yes"}`,
    ...Array.from(new Set(closed), (directory) => `TemporaryFileSystem=${emptied(directory)}:ro`),
    // "-": it may come later, or lie on a disk that is not always there
    ...paths.map(({ path }) => `BindReadOnlyPaths=-${quotePath(path, "a path to read")}`),
  ];
}

/** @throws {RangeError} As {@linkcode readableLines}; or if it holds what separates a path from options. */
function emptied(directory: string): string {
  if (!/[:\\]/.test(directory)) return quotePath(directory, "a closed directory");
  throw new RangeError(
    `Cannot empty ${
      JSON.stringify(directory.slice(0, 80))
    } for a service: systemd takes no colon or backslash there; ` +
      "move what is to be read",
  );
}
