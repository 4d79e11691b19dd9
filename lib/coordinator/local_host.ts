import { GatewayError } from "../errors.ts";
import type { HostMemory } from "../planner/place_whole.ts";
import {
  type ReadHeldMemory,
  readHeldMemory,
  type ReadLocalMemory,
  readLocalMemory,
} from "./local_memory.ts";

/** What this host has for a model that runs here whole. */
export interface LocalSupply {
  /** What can be used now. Empty if nobody knows. */
  readonly now: readonly HostMemory[];
  /** The same, were the local coordinator stopped that runs now; equal to {@linkcode now} if there is none. */
  readonly freed: readonly HostMemory[];
}

/** The right to run a coordinator on this host alone; only one at a time has it. */
export interface LocalLease extends Disposable {
  /** Its process has loaded its model: what it would give back can be read from now on. */
  runs(pid: number): void;
}

interface Tenant {
  readonly model: string;
  readonly before: readonly HostMemory[];
  pid: number | undefined;
}

/** This host as a place for whole models: what it has, and whose it is. One coordinator at a time has all of it. */
export class LocalHost {
  #tenant: Tenant | undefined;

  /** Nobody has it. */
  constructor(
    private readonly readMemory: ReadLocalMemory = readLocalMemory,
    private readonly readHeld: ReadHeldMemory = readHeldMemory,
  ) {}

  /** The name of the model that runs here, or is being loaded. */
  get holder(): string | undefined {
    return this.#tenant?.model;
  }

  /** Reads what this host has. @param program The llama-server that is to run. @throws The signal's reason. */
  async look(program: string, signal: AbortSignal): Promise<LocalSupply> {
    const now = await this.readMemory(program, signal);
    const tenant = this.#tenant;
    if (!tenant) return { now, freed: now };
    const heldBytes = tenant.pid === undefined ? undefined : await this.readHeld(tenant.pid);
    return { now, freed: freedOf(now, tenant.before, heldBytes) };
  }

  /**
   * Takes the host, in one step.
   *
   * @param model The name of the model that is to run here.
   * @param before What was seen before it is loaded.
   * @throws {GatewayError} `no_capacity` if another one runs here.
   */
  lease(model: string, before: readonly HostMemory[]): LocalLease {
    if (this.#tenant) {
      throw new GatewayError(
        "no_capacity",
        `Cannot run "${model}" on this host: our coordinator of "${this.#tenant.model}" does; wait until that is idle, or unload it`,
      );
    }
    const tenant: Tenant = this.#tenant = { model, before, pid: undefined };
    return {
      runs: (pid) => tenant.pid = pid,
      [Symbol.dispose]: () => {
        if (this.#tenant === tenant) this.#tenant = undefined;
      },
    };
  }
}

/**
 * Of RAM it is known what a process holds, once it has loaded. Of a GPU, and while it loads, it is taken to hold what is
 * gone since before.
 */
function freedOf(
  now: readonly HostMemory[],
  before: readonly HostMemory[],
  heldRamBytes: number | undefined,
): HostMemory[] {
  return now.map(({ name, freeBytes }, index) => {
    if (index === 0 && heldRamBytes !== undefined) return { name, freeBytes: freeBytes + heldRamBytes };
    const beforeBytes = before.find((memory) => memory.name === name)?.freeBytes ?? 0;
    return { name, freeBytes: Math.max(freeBytes, beforeBytes) };
  });
}
