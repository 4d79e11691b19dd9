import { resolve } from "node:path";
import type { ManagerKind } from "../../systemd/unit_file.ts";
import { type Environment, PROGRAM_VARIABLE } from "../config/environment.ts";
import { GatewayError } from "../errors.ts";
import { shellWord } from "../process/shell_word.ts";
import { whyOutOfReach } from "./service_reach.ts";
import type { UnitHost } from "./unit_host.ts";

/** How this process was started. */
export interface OwnProcess {
  /** Whether it is one compiled file. */
  readonly isStandalone: boolean;
  /** Its executable. */
  readonly executable: string;
  /** Its {@linkcode PROGRAM_VARIABLE} is read. */
  readonly env: Environment;
}

/** This process. */
export function thisProcess(env: Environment): OwnProcess {
  return { isStandalone: Deno.build.standalone, executable: Deno.execPath(), env };
}

/** Which program is meant, and for whom. */
export interface ProgramQuestion {
  /** Path that the operator named; `undefined`: the program that runs. */
  readonly named: string | undefined;
  /** Whose service. */
  readonly manager: ManagerKind;
  /** Root of another system that it lies in. */
  readonly root?: string | undefined;
}

/**
 * Absolute path of sollol for a unit: one file that the service's user can execute.
 *
 * @throws {GatewayError} `invalid_request` with the cure if there is none.
 */
export async function findOwnProgram(
  host: UnitHost,
  process: OwnProcess,
  { named, manager, root }: ProgramQuestion,
): Promise<string> {
  const path = named === undefined ? pathOf(process) : resolve(named);
  if (path === undefined) throw new GatewayError("invalid_request", FROM_SOURCE);
  const trouble = await whyOutOfReach(host, { path, manager, root, isProgram: true });
  if (trouble === undefined) return path;
  throw new GatewayError(
    "invalid_request",
    `The service cannot run "${path}": ${trouble}. ${cureFor(path, manager)}`,
  );
}

/** The file that this process is; `undefined` if it runs from source. */
export function pathOf({ isStandalone, executable, env }: OwnProcess): string | undefined {
  if (isStandalone) return executable; // the variable may be of a portable sollol that started us
  const portable = env[PROGRAM_VARIABLE];
  return portable?.startsWith("/") ? portable : undefined;
}

function cureFor(path: string, manager: ManagerKind): string {
  const command = manager === "system"
    ? `sudo install -m 755 ${shellWord(path)} /usr/local/bin/sollol`
    : `install -D -m 755 ${shellWord(path)} ~/.local/bin/sollol`;
  return `Put it where services find it, and run it from there: ${command}`;
}

const FROM_SOURCE =
  "sollol runs from its source here, which is not fit for a unit; build one file by `deno task portable` and run that, " +
  "or name it by --program PATH";
