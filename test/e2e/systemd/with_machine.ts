import { findPrograms } from "../with_llama_cpp.ts";
import type { BootedSystemd } from "./booted_systemd.ts";
import { bootWithLlamaCpp } from "./sollol_machine.ts";
import { systemdObstacle } from "./systemd_obstacle.ts";

/** One sentence about a machine; the next ones begin where it ends. */
export type MachineStep = (name: string, body: () => Promise<void>) => Promise<void>;

/** Registers a test that has a machine with llama.cpp on it. */
export type MachineTest = (
  name: string,
  body: (machine: BootedSystemd, step: MachineStep) => Promise<void>,
) => void;

/** Sees whether machines can be booted here; where they cannot, the tests are skipped and their names say why. */
export async function withMachine(): Promise<MachineTest> {
  const reason = await systemdObstacle() ?? await llamaCppObstacle();
  return (name, body) => {
    if (reason !== undefined) {
      return Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn: () => {} });
    }
    Deno.test(name, async (t) => {
      await using machine = await bootWithLlamaCpp();
      const step: MachineStep = async (name, fn) => {
        // the machine's own pipes are read all the time: what is left open is seen at the end of the test
        const isOk = await t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
        if (!isOk) throw new Error(`what follows builds on "${name}"`);
      };
      await body(machine, step);
    });
  };
}

async function llamaCppObstacle(): Promise<string | undefined> {
  const found = await findPrograms();
  return typeof found === "string" ? `no llama.cpp: ${found}` : undefined;
}
