import type { Config } from "../config/config.ts";
import type { Check } from "./check.ts";
import { examineLlamaServer, examineRpcServer, type LlamaCppNeed } from "./check_llama_cpp.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import type { Facts } from "./facts.ts";

/** From a cold disk a program takes seconds to load. */
const DEADLINE_MS = 8_000;

/** Whether the programs of llama.cpp can be used. */
export function llamaCppChecks(
  config: Config,
  { programs }: Pick<DoctorWorld, "programs">,
  facts: Facts,
): readonly Check[] {
  const need = async (): Promise<LlamaCppNeed> => {
    const [stored, said] = await Promise.all([facts.state(), facts.testimony()]);
    const views = said.kind === "told" ? said.backends : [];
    const count = config.rpcBackends.length + stored.backends.length + views.length;
    return { isShardingEnabled: config.modelShardingEnabled, hasBackends: count > 0 };
  };
  return [
    {
      name: "llama-server",
      group: "llama.cpp",
      deadlineMs: DEADLINE_MS,
      examine: async (signal) => {
        const { llamaServer } = await facts.llamaCpp();
        return await examineLlamaServer(llamaServer, await need(), { programs, signal });
      },
    },
    {
      name: "rpc-server",
      group: "llama.cpp",
      deadlineMs: DEADLINE_MS,
      examine: async (signal) => {
        const protocol = (await facts.ownVersion())?.protocol;
        return await examineRpcServer(await facts.llamaCpp(), await need(), { programs, protocol, signal });
      },
    },
  ];
}
