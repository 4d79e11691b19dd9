import { resolve } from "node:path";
import type { UnitFile } from "../../systemd/unit_file.ts";
import { findGpuAccess } from "../systemd/gpu_access.ts";
import { type OwnProcess, thisProcess } from "../systemd/own_program.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import { placeOfUnits, type UnitPlace } from "../systemd/unit_place.ts";
import { withRecord } from "../systemd/unit_record.ts";
import { readUnitReports, type UnitReport } from "../systemd/unit_report.ts";
import { parseUnitStem, type UnitSet } from "../systemd/unit_set.ts";
import { type CliHost, isGroup, type OptionSpecs, type OptionValues, UsageError } from "./command.ts";
import { readArgument } from "./output.ts";
import { parseCommandLine } from "./parse.ts";
import { coordinatorRole } from "./systemd_coordinator.ts";
import { gatewayRole } from "./systemd_gateway.ts";
import { type COMMON_OPTIONS, recordOf, withAbsolutePaths } from "./systemd_options.ts";
import { findLlamaProgram, findSollol } from "./systemd_programs.ts";
import type { Purpose, RoleSpec } from "./systemd_role.ts";
import { rpcServerRole } from "./systemd_rpc_server.ts";
import { workerRole } from "./systemd_worker.ts";

/** All kinds of units, in the order of help. */
export const ROLES: readonly RoleSpec[] = [gatewayRole, workerRole, rpcServerRole, coordinatorRole];

/** What units are described with. */
export interface UnitsContext extends Pick<CliHost, "env" | "stderr" | "signal"> {
  /** The machine. */
  readonly host: UnitHost;
  /** Hears what is doubtful. */
  readonly warn: (text: string) => void;
  /** How this process was started. Default: as it was. */
  readonly process?: OwnProcess;
}

/** What all roles may be asked for. */
export type CommonValues = OptionValues<typeof COMMON_OPTIONS>;

/** Units, and what a person is told of them. */
export interface DescribedUnits extends UnitSet {
  /** What to do with them once they run: names and values. */
  readonly next: readonly (readonly [name: string, value: string])[];
}

/** Where the units of a command go. @throws {UsageError} If its options contradict each other. */
export function placeOf({ user, root }: Pick<CommonValues, "user" | "root">, host: UnitHost): UnitPlace {
  if (user && root !== undefined) throw new UsageError("--root is for units of the system; leave out --user");
  const directory = root === undefined || resolve(root) === "/" ? undefined : resolve(root);
  return placeOfUnits(user ? "user" : "system", { root: directory, host });
}

/** What the names of a command's units begin with. @throws {UsageError} If no unit can be called so. */
export function stemFor(role: RoleSpec, { name }: Pick<CommonValues, "name">): string {
  return name === undefined ? role.stem : readArgument("--name", name, parseUnitStem);
}

/**
 * The units of a command line, each with a record of it.
 *
 * @throws {UsageError} If the options make no sense, or no unit can hold them.
 * @throws {GatewayError} If the machine lacks something.
 */
export async function describeUnits(
  role: RoleSpec,
  given: OptionValues<OptionSpecs>,
  place: UnitPlace,
  { purpose, ...context }: UnitsContext & { purpose: Purpose },
): Promise<DescribedUnits> {
  const options = withAbsolutePaths(role.options, given);
  const { env, stderr, signal, host, warn, process = thisProcess(env) } = context;
  const common = options as CommonValues; // safe: every role has them
  const stem = stemFor(role, common);
  const named = common.program;
  const maySetUp = common.setup !== false;
  const search = { env, stderr, signal, host, place, purpose, process, named, maySetUp, warn };
  let program: string | undefined;
  const units = await asUsage(role, () =>
    role.describe({
      options,
      purpose,
      stem,
      host,
      place,
      env,
      signal,
      warn,
      ownProgram: async () => program = await findSollol(search),
      llamaProgram: (which, configured = {}) => findLlamaProgram(which, configured, search),
      gpuAccess: () => findGpuAccess(host, { wanted: gpuWish(common, options, place), signal }),
    }));
  const recorded = recordOf(role.role, role.options, { ...options, program, ...units.recorded });
  return {
    role: role.role,
    stem,
    files: units.files.map((file) => withRecord(file, recorded)),
    enabled: units.enabled,
    services: units.services,
    secrets: units.secrets,
    next: units.next ?? [],
  };
}

/**
 * How the units stand that sollol wrote.
 *
 * @param stem Only those whose names begin so. Default: all.
 * @throws {Error} If they cannot be read; the signal's reason on abort.
 */
export async function readOurUnits(
  place: UnitPlace,
  context: UnitsContext,
  stem?: string,
): Promise<UnitReport[]> {
  const { host, signal } = context;
  const renderAgain = (args: readonly string[]) => describeAgain(args, place, context);
  return await readUnitReports({ host, place, signal, renderAgain }, stem);
}

async function describeAgain(
  args: readonly string[],
  place: UnitPlace,
  context: UnitsContext,
): Promise<readonly UnitFile[]> {
  const role = ROLES.find((role) => role.role === args[0]);
  if (!role) throw new UsageError(`it is a "${args[0]}", which this sollol does not know`);
  const command = {
    name: role.role,
    summary: role.summary,
    options: role.options,
    run: () => Promise.resolve(0 as const),
  };
  const root = { name: "sollol", summary: "", commands: [command] };
  const invocation = parseCommandLine(root, args);
  if (invocation.kind !== "run" || isGroup(invocation.command)) throw new UsageError("it asks for help");
  return (await describeUnits(role, invocation.options, place, { ...context, purpose: "status" })).files;
}

/** An image has no GPUs of its own, and those of this machine say nothing about it. */
function gpuWish(common: CommonValues, options: OptionValues<OptionSpecs>, { root }: UnitPlace) {
  if (common.gpu !== undefined) return common.gpu;
  const devices = [options["devices"] ?? []].flat().join(",");
  return root !== undefined || /^CPU(?:,|$)/i.test(devices) ? "none" : undefined;
}

/** What no unit can hold was written on the command line. */
async function asUsage<T>({ role }: RoleSpec, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${error.message}. See "sollol systemd ${role} --help"`, { cause: error });
  }
}
