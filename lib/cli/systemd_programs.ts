import type { ManagerKind } from "../../systemd/unit_file.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { findLlamaCpp } from "../llama_cpp/find.ts";
import { defaultPrefix, SYSTEM_PREFIX } from "../llama_cpp/installation.ts";
import { programsIn } from "../llama_cpp/prefix.ts";
import { setupLlamaCpp } from "../llama_cpp/setup.ts";
import { findOwnProgram, type OwnProcess } from "../systemd/own_program.ts";
import { whyOutOfReach } from "../systemd/service_reach.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { UnitPlace } from "../systemd/unit_place.ts";
import type { CliHost } from "./command.ts";
import { openToOthers, showSetup } from "./commands/setup.ts";
import { startProgress } from "./progress.ts";
import type { LlamaPlaces, Purpose } from "./systemd_role.ts";

/** Where an operator is told to put sollol. */
const USUAL_PROGRAM = "/usr/local/bin/sollol";

/** The `PATH` of a service. */
const SERVICE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What programs are looked for, and how. */
export interface ProgramSearch extends Pick<CliHost, "env" | "stderr" | "signal"> {
  /** The machine. */
  readonly host: UnitHost;
  /** Whose services need them. */
  readonly place: UnitPlace;
  /** Only to install fails without them. */
  readonly purpose: Purpose;
  /** This process. */
  readonly process: OwnProcess;
  /** Path of sollol that the operator named. */
  readonly named: string | undefined;
  /** Whether llama.cpp may be installed. */
  readonly maySetUp: boolean;
  /** Hears what is missing where that does not matter yet. */
  readonly warn: (text: string) => void;
}

/**
 * Absolute path of sollol for a service.
 *
 * @throws {GatewayError} `invalid_request` with the cure if there is none and it is to be installed now.
 */
export async function findSollol(search: ProgramSearch): Promise<string> {
  const { host, place: { manager, root }, purpose, process, named, signal, warn } = search;
  if (purpose === "status" && named !== undefined) return named; // whether it is there is told apart
  try {
    return await findOwnProgram(host, process, { named, manager, root });
  } catch (error) {
    signal.throwIfAborted();
    if (purpose === "install" || !(error instanceof GatewayError)) throw error;
    if (purpose === "print") warn(`${error.message}. What is printed says ${named ?? USUAL_PROGRAM}`);
    return named ?? USUAL_PROGRAM;
  }
}

/**
 * Absolute path of a program of llama.cpp for a service. If it is to be installed and llama.cpp is missing, that is
 * installed first, which takes a minute.
 *
 * @throws {GatewayError} If there is none, or it cannot be had.
 */
export async function findLlamaProgram(
  which: "llamaServer" | "rpcServer",
  configured: LlamaPlaces,
  search: ProgramSearch,
): Promise<string> {
  const { host, place, purpose, warn } = search;
  const { manager, root } = place;
  const program = (await findLlamaCpp(placesFor(configured, search)))[which];
  const path = program.found ? program.path.slice(root?.length ?? 0) : undefined;
  const trouble = path === undefined
    ? program.found ? "" : program.because
    : await describeTrouble(path, { host, manager, root });
  if (path !== undefined && (trouble === undefined || purpose === "status")) return path;
  const later = programsIn(prefixOf(search))[which];
  if (purpose === "status") return later;
  const canSetUp = configured[which] === undefined && root === undefined && search.maySetUp;
  if (purpose === "install" && canSetUp) return await setUp(which, search);
  if (purpose === "install" && root === undefined) {
    throw new GatewayError("backend_unreachable", trouble ?? "");
  }
  const written = path ?? later;
  warn(
    canSetUp
      ? `llama.cpp is not where services find it; install will put it there: ${written}`
      : `${trouble}. What is written says ${written}`,
  );
  return written;
}

/** Where setup installs for a service. */
function prefixOf({ place, env }: ProgramSearch): string {
  return place.manager === "user" ? defaultPrefix(env) : SYSTEM_PREFIX;
}

function placesFor(configured: LlamaPlaces, search: ProgramSearch) {
  const { place: { manager, root }, env } = search;
  const places = { llamaServer: configured.llamaServer, rpcServer: configured.rpcServer };
  const prefix = (root ?? "") + (configured.prefix ?? prefixOf(search));
  if (manager === "user") return { ...places, env, prefix };
  const path = SERVICE_PATH.split(":").map((directory) => (root ?? "") + directory).join(":");
  return { ...places, env: { PATH: path }, prefix, ...(root !== undefined && { root }) };
}

async function describeTrouble(
  path: string,
  { host, manager, root }: { host: UnitHost; manager: ManagerKind; root: string | undefined },
): Promise<string | undefined> {
  const because = await whyOutOfReach(host, { path, manager, root, isProgram: true });
  if (because === undefined) return undefined;
  const cure = manager === "system" ? "; sudo sollol setup --system puts it where services find it" : "";
  return `The service cannot run "${path}": ${because}${cure}`;
}

async function setUp(which: "llamaServer" | "rpcServer", search: ProgramSearch): Promise<string> {
  const { stderr, env, signal } = search;
  const prefix = prefixOf(search);
  using progress = startProgress({ stderr, env }, `Installing llama.cpp into ${prefix}`);
  using _umask = openToOthers();
  try {
    return (await setupLlamaCpp({ prefix, signal, onProgress: showSetup(progress) }))[which];
  } catch (error) {
    signal.throwIfAborted();
    throw new GatewayError("backend_unreachable", `The service needs llama.cpp: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
