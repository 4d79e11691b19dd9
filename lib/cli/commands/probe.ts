import type { Config } from "../../config/config.ts";
import { parseTimer } from "../../config/fields.ts";
import { findLlamaCpp } from "../../llama_cpp/find.ts";
import { rpcProtocolOf } from "../../llama_cpp/rpc_protocol.ts";
import type { Endpoint } from "../../rpc/endpoint.ts";
import type { ProbeOptions, ProbeResult } from "../../rpc/probe.ts";
import { probeAll } from "../../rpc/probe_all.ts";
import type { ProtocolVersion } from "../../rpc/protocol.ts";
import {
  type Command,
  type CommandContext,
  defineCommand,
  type OptionSpecs,
  UsageError,
} from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { probeToJson, renderProbes } from "../probe_report.ts";
import { startProgress } from "../progress.ts";
import { readEndpoints } from "../read_endpoints.ts";
import { painter } from "../terminal.ts";

/** `sollol probe`: asks rpc backends what they are and whether they are free. */
export const probeCommand: Command = defineCommand({
  name: "probe",
  summary: "Ask rpc backends whether they can be used, and what memory they have.",
  details:
    "Asks each rpc backend for its protocol, its devices and their memory, all at once and without disturbing it. " +
    "One whose protocol is not that of the llama.cpp which `sollol setup` installed here is a mismatch. " +
    "Without arguments, asks those of the configuration.\n\n" +
    "Ends with 0 only if all of them are up.",
  positionals: [{ name: "HOST:PORT", optional: true, multiple: true }],
  options: {
    timeout: {
      type: "string",
      value: "DURATION",
      description: "Longest wait for each of them; default: timeouts.probe of the configuration, 2s.",
    },
    ...JSON_OPTION,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["probe 192.168.1.20:50052 192.168.1.21:50052", "probe gpu1 gpu2 --timeout 500ms --json"],
  async run(context) {
    const { endpoints, ...options } = await plan(context, context.options.timeout);
    const results = await probeWithProgress(endpoints, options, context);
    if (context.options.json) writeJson(context, results.map(probeToJson));
    else context.stdout.write(renderProbes(results, painter(context.stdout, context.env)));
    return results.every(({ verdict }) => verdict === "up") ? 0 : 1;
  },
});

async function plan(
  context: Pick<CommandContext<OptionSpecs>, "args" | "options" | "env">,
  timeout: string | undefined,
): Promise<{ endpoints: readonly Endpoint[] } & ProbeOptions> {
  const named = readEndpoints("HOST:PORT", context.args);
  const { config } = await loadConfigForCommand(context);
  const endpoints = named.length > 0 ? named : config.rpcBackends;
  if (endpoints.length === 0) {
    throw new UsageError("HOST:PORT is missing, and the configuration has no rpc_backends either");
  }
  const wantVersion = await ourProtocol(config, context.env);
  return {
    ...(wantVersion ? { wantVersion } : {}),
    endpoints, // each once: one that is asked twice at the same time would wait for itself
    timeoutMs: timeout === undefined
      ? config.timeouts.probeMs
      : readArgument("--timeout", timeout, parseTimer),
  };
}

/** What the llama.cpp speaks that would be our coordinator; unknown if `sollol setup` did not install it. */
export async function ourProtocol(
  { llamaCpp }: Config,
  env: CommandContext["env"],
): Promise<ProtocolVersion | undefined> {
  const { llamaServer } = await findLlamaCpp({ ...llamaCpp, env });
  return llamaServer.found ? await rpcProtocolOf(llamaServer.path) : undefined;
}

async function probeWithProgress(
  endpoints: readonly Endpoint[],
  options: ProbeOptions,
  { stderr, env, signal }: Pick<CommandContext, "stderr" | "env" | "signal">,
): Promise<ProbeResult[]> {
  if (!stderr.isTerminal) return await probeAll(endpoints, { ...options, signal });
  const count = endpoints.length === 1 ? "1 rpc backend" : `${endpoints.length} rpc backends`;
  using _progress = startProgress({ stderr, env }, `Probing ${count}`);
  return await probeAll(endpoints, { ...options, signal });
}
