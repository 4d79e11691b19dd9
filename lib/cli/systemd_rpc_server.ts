import { rpcServerTemplate, rpcServerUnit } from "../../systemd/rpc_server_unit.ts";
import { instanceName } from "../../systemd/unit_name.ts";
import { DEFAULT_RPC_PORT } from "../rpc/endpoint.ts";
import { parseDeviceGroup } from "../worker/server_plan.ts";
import { UsageError } from "./command.ts";
import { VERSION } from "./build_info.ts";
import { readArgument } from "./output.ts";
import { COMMON_OPTIONS, memoryMaxOf, readWhole } from "./systemd_options.ts";
import { defineRole, type RoleSpec } from "./systemd_role.ts";

const OPTIONS = {
  host: {
    type: "string",
    value: "ADDRESS",
    description: "IPv4 address that it binds; default 127.0.0.1, which only this machine reaches.",
  },
  port: {
    type: "string",
    short: "p",
    value: "PORT",
    multiple: true,
    description: `TCP port; default ${DEFAULT_RPC_PORT}. Given several times: so many rpc servers.`,
  },
  devices: {
    type: "string",
    short: "d",
    value: "NAMES",
    description: "Devices that it lends, such as CUDA0,CUDA1; default: all GPUs, or the CPU.",
  },
  threads: {
    type: "string",
    value: "COUNT",
    description: "Threads of a CPU device; default: half of the processors.",
  },
  cache: { type: "boolean", description: "Keep large weights on disk, so that they are sent once." },
  "rpc-server": {
    type: "string",
    value: "PATH",
    description: "The ggml-rpc-server program; default: found, or installed.",
  },
  ...COMMON_OPTIONS,
} as const;

/** An rpc backend that nobody but systemd watches. */
export const rpcServerRole: RoleSpec = defineRole({
  role: "rpc-server",
  stem: "sollol-rpc",
  summary: "A ggml-rpc-server that lends this machine's devices, with nothing beside it.",
  details:
    "The rpc protocol has no password: whoever reaches the server owns the machine. So it listens on the network only " +
    "with --allow, the address of the gateway, and the kernel shuts off everybody else. " +
    '"sollol systemd worker" does more: it tells the gateway how much memory is truly free.',
  options: OPTIONS,
  examples: [
    "rpc-server --cache --memory 24GiB > sollol-rpc.service",
    "rpc-server install --host 192.168.1.20 --allow 192.168.1.10",
    "rpc-server install --port 50052 --port 50053 --devices CPU",
  ],
  async describe({ options, stem, place, llamaProgram, gpuAccess }) {
    const { host = "127.0.0.1", devices: deviceText, threads, cache: isCaching, allow, force } = options;
    const ports = portsOf(options.port);
    const devices = deviceText === undefined
      ? undefined
      : readArgument("--devices", deviceText, parseDeviceGroup);
    const unit = {
      stem,
      manager: place.manager,
      version: VERSION,
      ...await gpuAccess(),
      program: await llamaProgram("rpcServer", { rpcServer: options["rpc-server"] }),
      host,
      devices,
      threadCount: threads === undefined ? undefined : readWhole("--threads", threads),
      isCaching,
      force,
      allow,
      memoryMaxBytes: memoryMaxOf(options),
    };
    const next = [["use", `sollol register ${ports.map((port) => `${host}:${port}`).join(" ")}`]] as const;
    const [port, ...others] = ports;
    if (others.length === 0) {
      const file = rpcServerUnit({ ...unit, port: port! });
      return { files: [file], enabled: [file.name], services: [file.name], secrets: [], next };
    }
    const template = rpcServerTemplate(unit);
    const instances = ports.map((port) => instanceName(template.name, String(port)));
    return { files: [template], enabled: instances, services: instances, secrets: [], next };
  },
});

function portsOf(texts: readonly string[]): number[] {
  const ports = texts.map((text) => readWhole("--port", text));
  const wrong = ports.find((port) => port < 1 || port > 65_535);
  if (wrong !== undefined) {
    throw new UsageError(`--port: ${wrong} is no port; write a number from 1 to 65535`);
  }
  const twice = ports.find((port, index) => ports.indexOf(port) !== index);
  if (twice !== undefined) {
    throw new UsageError(`--port: ${twice} is given twice, but only one rpc server can have it`);
  }
  return ports.length === 0 ? [DEFAULT_RPC_PORT] : ports;
}
