import { dirname } from "node:path";
import type { ManagerKind } from "../../systemd/unit_file.ts";
import type { UnitHost } from "./unit_host.ts";

/** Places that a sandboxed service of the system does not see, each with the word for it. */
const HIDDEN: ReadonlyArray<readonly [directory: string, because: string]> = [
  ["/root", "services do not see the home of root"],
  ["/home", "services do not see the homes of users"],
  ["/run/user", "services do not see the files of a login"],
];

/** Places that are emptied, or that each service has for itself. */
const FLEETING: ReadonlyArray<readonly [directory: string, because: string]> = [
  ["/tmp", "what is there is gone after a restart of the machine, and services have a /tmp of their own"],
  ["/var/tmp", "what is there is removed some day, and services have a /var/tmp of their own"],
  ["/dev/shm", "what is there is gone after a restart of the machine"],
];

/** Which file a service needs, and how. */
export interface ReachQuestion {
  /** Absolute path as the service will see it. */
  readonly path: string;
  /** Whose service. */
  readonly manager: ManagerKind;
  /** What stands before the path while another system is being prepared; `undefined` for none. */
  readonly root?: string | undefined;
  /** Whether it is to be executed, too. */
  readonly isProgram: boolean;
}

/**
 * Why a service could not use a file, as a clause; `undefined` if it can. A service of the system is not root: it needs
 * the rights of others all the way down.
 *
 * @throws {Error} If the system does not even let us look.
 */
export async function whyOutOfReach(host: UnitHost, question: ReachQuestion): Promise<string | undefined> {
  const { path, manager, root } = question;
  const at = root === undefined || root === "/" ? path : root + path;
  const real = await host.readRealPath(at);
  const info = real === undefined ? undefined : await host.readInfo(real);
  if (real === undefined || info?.type !== "file") return info ? "it is no file" : "there is no such file";
  const paths = root === undefined ? [path, real] : [path];
  const hidden = hiddenBecause(paths, manager);
  if (hidden !== undefined) return hidden;
  if (manager === "user") {
    return question.isProgram && (info.mode & 0o111) === 0 ? "it may not be executed" : undefined;
  }
  const wanted = question.isProgram ? 0o005 : 0o004;
  if ((info.mode & wanted) !== wanted) {
    return `only its owner and group may ${question.isProgram ? "execute" : "read"} it`;
  }
  const closed = await findClosedDirectory(host, dirname(at), root) ??
    await findClosedDirectory(host, dirname(real), root);
  return closed === undefined ? undefined : `only the owner and group of ${closed} may enter that directory`;
}

function hiddenBecause(paths: readonly string[], manager: ManagerKind): string | undefined {
  const places = manager === "system" ? [...HIDDEN, ...FLEETING] : FLEETING;
  return places.find(([directory]) => paths.some((path) => path.startsWith(`${directory}/`)))?.[1];
}

/** Whether services of the system do not see a path, whatever its rights. */
export function isHidden(path: string): boolean {
  return HIDDEN.some(([directory]) => path === directory || path.startsWith(`${directory}/`));
}

/**
 * The topmost directory of a path, itself included, that only its owner and group may enter; `undefined` if there is
 * none.
 *
 * @param root Directories above it do not matter.
 */
export async function findClosedDirectory(
  host: UnitHost,
  directory: string,
  root?: string,
): Promise<string | undefined> {
  for (const step of [...directoriesAbove(directory), directory]) {
    if (root !== undefined && !step.startsWith(`${root}/`)) continue;
    const info = await host.readInfo(step);
    if (info && (info.mode & 0o001) === 0) return step;
  }
  return undefined;
}

function directoriesAbove(path: string): string[] {
  const directory = dirname(path);
  return directory === path ? [] : [...directoriesAbove(directory), directory];
}
