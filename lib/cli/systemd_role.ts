import type { FindOptions } from "../llama_cpp/find.ts";
import type { Role, UnitSet } from "../systemd/unit_set.ts";
import type { GpuAccess } from "../systemd/gpu_access.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { UnitPlace } from "../systemd/unit_place.ts";
import type { Environment } from "../config/environment.ts";
import type { OptionSpecs, OptionValues } from "./command.ts";

/** What a description of units is wanted for: to `print` and to compare (`status`) changes nothing and waits for nobody. */
export type Purpose = "print" | "install" | "status";

/** Where the operator says that llama.cpp is. */
export type LlamaPlaces = Pick<FindOptions, "llamaServer" | "rpcServer" | "prefix">;

/** What a role describes its units from. */
export interface RoleRequest<O extends OptionSpecs = OptionSpecs> {
  /** What was asked for. */
  readonly options: OptionValues<O>;
  /** For what. */
  readonly purpose: Purpose;
  /** What names of the units begin with. */
  readonly stem: string;
  /** The machine. */
  readonly host: UnitHost;
  /** Where the units go. */
  readonly place: UnitPlace;
  /** Variables of this process; the services do not see them. */
  readonly env: Environment;
  /** Ends the work. */
  readonly signal: AbortSignal;
  /** Hears what is doubtful. */
  readonly warn: (text: string) => void;
  /** Absolute path of sollol for the services. @throws {GatewayError} If there is none. */
  readonly ownProgram: () => Promise<string>;
  /**
   * Absolute path of a program of llama.cpp for the services.
   *
   * @param configured Where the operator says that it is, or its prefix.
   * @throws {GatewayError} If there is none.
   */
  readonly llamaProgram: (which: "llamaServer" | "rpcServer", configured?: LlamaPlaces) => Promise<string>;
  /** Whose GPUs a service may use. */
  readonly gpuAccess: () => Promise<GpuAccess>;
}

/** Units as a role describes them, without a record. */
export interface RoleUnits extends Omit<UnitSet, "role" | "stem"> {
  /** What to do with them once they run: names and values for a person. */
  readonly next?: readonly (readonly [name: string, value: string])[];
  /** Options as they are recorded, where that is not what was given: absolute paths, and a file instead of a secret. */
  readonly recorded?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What describes one kind of units. */
export interface RoleSpec<O extends OptionSpecs = OptionSpecs> {
  /** What they run, which is also the word that people type. */
  readonly role: Role;
  /** What their names begin with usually. */
  readonly stem: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's help, before those on actions. */
  readonly details: string;
  /** Options beside those that all roles have. */
  readonly options: O;
  /** Command lines without `sollol systemd`. */
  readonly examples: readonly string[];
  /**
   * Describes the units. Installs llama.cpp if that is missing and the purpose is to install; writes nothing else.
   *
   * @throws {UsageError} If the options make no sense.
   * @throws {GatewayError} If the machine lacks something.
   */
  describe(request: RoleRequest<O>): Promise<RoleUnits>;
}

/** Checks a role's description against its types. */
export function defineRole<const O extends OptionSpecs>(spec: RoleSpec<O>): RoleSpec {
  return spec as unknown as RoleSpec; // safe: parsing fills `options` by this very spec
}
