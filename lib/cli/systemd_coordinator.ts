import { coordinatorUnit } from "../../systemd/coordinator_unit.ts";
import { formatListenAddress, parseListenAddress } from "../config/listen_address.ts";
import { findStoreAccess } from "../systemd/store_access.ts";
import { VERSION } from "./build_info.ts";
import { UsageError } from "./command.ts";
import { readArgument } from "./output.ts";
import { assertFile } from "./systemd_files.ts";
import { COMMON_OPTIONS, memoryMaxOf, readWhole } from "./systemd_options.ts";
import { defineRole, type RoleSpec } from "./systemd_role.ts";

const OPTIONS = {
  model: {
    type: "string",
    short: "m",
    value: "FILE",
    description: "GGUF file of the model; the first shard of a split one.",
  },
  rpc: {
    type: "string",
    value: "HOST:PORT",
    multiple: true,
    description: "An rpc backend, once for each.",
  },
  listen: {
    type: "string",
    short: "l",
    value: "ADDRESS",
    description: "host:port or port to listen on; default 127.0.0.1:8080.",
  },
  alias: { type: "string", value: "NAME", description: "What the model is called in answers." },
  devices: {
    type: "string",
    short: "d",
    value: "NAMES",
    description: "Devices to use, such as RPC0,RPC1,CUDA0; default: one of each rpc backend.",
  },
  "tensor-split": {
    type: "string",
    value: "COUNTS",
    description: "Layers of each device, such as 20,12; default: llama.cpp deals them.",
  },
  "context-size": { type: "string", value: "TOKENS", description: "Context of one slot." },
  slots: { type: "string", value: "COUNT", description: "Requests that it answers at a time; default 1." },
  "api-key-file": {
    type: "string",
    value: "FILE",
    description: "Holds the key that it asks for; needed to listen beyond this machine without --allow.",
  },
  arg: {
    type: "string",
    value: "ARGUMENT",
    multiple: true,
    description: "One more word for llama-server: --arg=--mlock.",
  },
  "llama-server": {
    type: "string",
    value: "PATH",
    description: "The llama-server program; default: found, or installed.",
  },
  ...COMMON_OPTIONS,
} as const;

/** A llama-server over rpc backends that always runs. */
export const coordinatorRole: RoleSpec = defineRole({
  role: "coordinator",
  stem: "sollol-coordinator",
  summary: "A llama-server that spreads one model over rpc backends and always runs.",
  details:
    "The gateway starts coordinators by itself, as they are needed; this is for whoever wants one model to be there " +
    "always. Name it to the gateway in coordinator_url or coordinators.",
  options: OPTIONS,
  examples: ["coordinator install --model /srv/70b.gguf --rpc 10.0.0.3"],
  async describe(request) {
    const { options, stem, place, host, signal, purpose, warn, llamaProgram, gpuAccess } = request;
    const { model: modelPath, rpc, alias, allow, arg: args, devices, slots } = options;
    if (modelPath === undefined) throw new UsageError("--model FILE is missing: which model?");
    if (rpc.length === 0) throw new UsageError("--rpc HOST:PORT is missing: over which rpc backends?");
    const apiKeyPath = options["api-key-file"];
    await assertFile(modelPath, "the model", request);
    if (apiKeyPath !== undefined) await assertFile(apiKeyPath, "the API key", request);
    const listen = readArgument("--listen", options.listen ?? "8080", parseListenAddress);
    const access = await findStoreAccess(host, place.root === undefined ? [modelPath] : [], {
      manager: place.manager,
      signal,
    });
    if (purpose !== "status") access.warnings.forEach(warn);
    const { gpu, groups } = await gpuAccess();
    const contextSize = options["context-size"];
    const unit = coordinatorUnit({
      stem,
      manager: place.manager,
      version: VERSION,
      program: await llamaProgram("llamaServer", { llamaServer: options["llama-server"] }),
      modelPath,
      alias,
      host: listen.hostname,
      port: listen.port,
      rpc,
      deviceNames: devices?.split(","),
      tensorSplit: readSplit(options["tensor-split"]),
      slotContextSize: contextSize === undefined ? undefined : readWhole("--context-size", contextSize),
      slotCount: slots === undefined ? undefined : readWhole("--slots", slots),
      apiKeyPath,
      args,
      allow: allow.length === 0 ? undefined : allow,
      gpu,
      groups: [...new Set([...groups, ...access.groups])],
      readablePaths: access.paths,
      memoryMaxBytes: memoryMaxOf(options),
    });
    return {
      files: [unit],
      enabled: [unit.name],
      services: [unit.name],
      secrets: [],
      next: [["use", `coordinator_url: http://${formatListenAddress(listen)} in the gateway's config`]],
    };
  },
});

function readSplit(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const counts = text.split(",").map(Number);
  if (counts.every((count) => count >= 0 && Number.isFinite(count))) return counts;
  throw new UsageError(`--tensor-split: "${text.slice(0, 80)}" is no list of numbers, such as 20,12`);
}
