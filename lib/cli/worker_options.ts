import { parseTimer } from "../config/fields.ts";
import { parseUpstreamUrl } from "../http/address.ts";
import { DEFAULT_RPC_PORT } from "../rpc/endpoint.ts";
import { parseDeviceGroup } from "../worker/server_plan.ts";
import { TOKEN_VARIABLE } from "../worker/worker_token.ts";
import type { OptionValues } from "./command.ts";
import { CONFIG_FILE_OPTIONS, CONFIG_OPTIONS } from "./config_flags.ts";
import { JSON_OPTION, readArgument } from "./output.ts";

/** The options of `sollol worker`. */
export const WORKER_OPTIONS = {
  gateway: {
    type: "string",
    short: "g",
    value: "URL",
    description: "The gateway, such as http://192.168.1.10:11435.",
  },
  token: {
    type: "string",
    value: "TOKEN",
    description: "Shown to the gateway; other users see it in the process list.",
  },
  "token-file": { type: "string", value: "FILE", description: `Holds the token; or set ${TOKEN_VARIABLE}.` },
  name: { type: "string", value: "NAME", description: "Name of this machine; default: its host name." },
  host: {
    type: "string",
    value: "ADDRESS",
    description: "IPv4 address that the rpc servers bind; default: ours in the gateway's network.",
  },
  advertise: {
    type: "string",
    value: "ADDRESS",
    description: "Where the gateway reaches them, if that is not --host.",
  },
  port: {
    type: "string",
    value: "PORT",
    description: `Port of the first rpc server; default ${DEFAULT_RPC_PORT}.`,
  },
  devices: {
    type: "string",
    short: "d",
    value: "NAMES",
    multiple: true,
    description:
      "Devices of one rpc server, such as CUDA0,CUDA1; once for each server. Default: all GPUs, or the CPU.",
  },
  "per-device": { type: "boolean", description: "Run an rpc server for each device instead of one for all." },
  threads: {
    type: "string",
    value: "COUNT",
    description: "Threads of a CPU device; default: half of the processors.",
  },
  cache: { type: "boolean", description: "Keep large weights on disk, so that they are sent once." },
  drain: {
    type: "string",
    value: "DURATION",
    description: "How long to wait at the end until no coordinator uses this machine; default 30s.",
  },
  setup: { type: "boolean", description: "Install llama.cpp as `sollol setup` does, if it is missing." },
  once: { type: "boolean", description: "Print what would be reported, start nothing, and end." },
  ...JSON_OPTION,
  ...CONFIG_FILE_OPTIONS,
  "rpc-server": CONFIG_OPTIONS["rpc-server"],
  "log-level": CONFIG_OPTIONS["log-level"],
  "log-format": CONFIG_OPTIONS["log-format"],
} as const;

const DEFAULT_DRAIN_MS = 30_000;

/** What the flags say, checked as far as that goes without looking at the machine. */
export interface WorkerWishes {
  /** Where the gateway is; `--once` needs none. */
  readonly gateway: ReturnType<typeof parseUpstreamUrl> | undefined;
  /** Name of this machine. */
  readonly name: string;
  /** Of the first rpc server. */
  readonly firstPort: number;
  /** Devices of each rpc server, as ggml names them; empty for the usual ones. */
  readonly named: readonly (readonly string[])[];
  /** Of a CPU device; `undefined` for half of the processors. */
  readonly threadCount: number | undefined;
  /** Longest wait at the end until no coordinator uses this machine, ms. */
  readonly drainMs: number;
}

/** Reads them. @throws {UsageError} If one of them makes no sense. */
export function readWorkerWishes(options: OptionValues<typeof WORKER_OPTIONS>): WorkerWishes {
  const { gateway, name, port, devices, threads, drain } = options;
  return {
    gateway: gateway === undefined ? undefined : readArgument("--gateway", gateway, parseUpstreamUrl),
    name: readArgument("--name", name ?? Deno.hostname(), parseName),
    firstPort: port === undefined ? DEFAULT_RPC_PORT : readArgument("--port", port, parseCount(65_535)),
    named: devices.map((group) => readArgument("--devices", group, parseDeviceGroup)),
    threadCount: threads === undefined ? undefined : readArgument("--threads", threads, parseCount(1_024)),
    drainMs: drain === undefined ? DEFAULT_DRAIN_MS : readArgument("--drain", drain, parseTimer),
  };
}

function parseName(text: string): string {
  if (/^[^\p{C}\s/]{1,200}$/u.test(text)) return text;
  throw new RangeError("it must be a word of at most 200 characters without slashes; choose one by --name");
}

function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= max) return count;
    throw new RangeError(`"${text.slice(0, 80)}" is no number from 1 to ${max}`);
  };
}
