import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { parseTimer } from "../../config/fields.ts";
import { parseUpstreamUrl } from "../../http/address.ts";
import { findLlamaCpp, requireProgram } from "../../llama_cpp/find.ts";
import { defaultPrefix } from "../../llama_cpp/installation.ts";
import { setupLlamaCpp } from "../../llama_cpp/setup.ts";
import { createLogger, type Logger } from "../../log.ts";
import { BufferedLogSink } from "../../log_sink.ts";
import { DEFAULT_RPC_PORT } from "../../rpc/endpoint.ts";
import type { WorkerReport } from "../../rpc/worker_report.ts";
import { formatBytes } from "../../units.ts";
import { type BindAddress, chooseBindAddress } from "../../worker/bind_address.ts";
import { GatewayLink } from "../../worker/gateway_link.ts";
import { findGpuSources, GpuWatch } from "../../worker/gpu_watch.ts";
import { untilLocalAddress } from "../../worker/local_address.ts";
import { type Preparation, prepareServers } from "../../worker/prepare_servers.ts";
import { parseDeviceGroup } from "../../worker/server_plan.ts";
import { surveyMachine } from "../../worker/survey.ts";
import { Worker } from "../../worker/worker.ts";
import { readWorkerToken, TOKEN_VARIABLE, withoutToken } from "../../worker/worker_token.ts";
import {
  type Command,
  type CommandContext,
  defineCommand,
  type OptionValues,
  UsageError,
} from "../command.ts";
import { CONFIG_FILE_OPTIONS, CONFIG_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { JSON_OPTION, readArgument, writeJson, writeWarning } from "../output.ts";
import { startProgress } from "../progress.ts";
import { renderFields, renderTable } from "../table.ts";
import { showSetup } from "./setup.ts";
import { VERSION } from "./version.ts";

/** For how long a reader may take the last lines of the log, ms. */
const FLUSH_MS = 1_000;
const DEFAULT_DRAIN_MS = 30_000;

const OPTIONS = {
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

type Context = CommandContext<typeof OPTIONS>;

/** `sollol worker`: lends this machine's devices to a gateway on another one. */
export const workerCommand: Command = defineCommand({
  name: "worker",
  summary: "Lend this machine's GPUs or RAM to a gateway on another machine.",
  details:
    "Runs ggml-rpc-server and keeps it running, joins the gateway, and tells it every two seconds which devices are " +
    "here and how much memory is truly free. It rejoins by itself when the gateway was restarted.\n\n" +
    "The rpc protocol has no password: rpc servers listen on private addresses only, in a network that you trust.\n\n" +
    "The first SIGINT or SIGTERM tells the gateway, waits until no coordinator uses this machine (--drain), and ends; " +
    "the second one does not wait.",
  options: OPTIONS,
  examples: [
    "worker --gateway http://192.168.1.10:11435",
    "worker --gateway http://shelf:11435 --devices CUDA0 --devices CUDA1",
    "worker --once",
  ],
  async run(context) {
    const wishes = readWishes(context.options);
    const { config } = await loadConfigForCommand(context);
    if (context.options.once) return await showOnce(context, wishes, config);
    if (!wishes.gateway) throw new UsageError("--gateway URL is missing: where is the gateway?");
    const log = new BufferedLogSink(Deno.stdout);
    const isPretty = config.log.format === "auto"
      ? context.stdout.isTerminal
      : config.log.format === "pretty";
    const format = isPretty ? "pretty" : "json";
    const logger = createLogger({ sink: log.sink, level: config.log.level, format });
    try {
      await work(context, { ...wishes, gateway: wishes.gateway }, config, logger);
    } catch (error) {
      if (error !== context.signal.reason) throw error; // told to end before it had begun
    } finally {
      await log.flush({ signal: AbortSignal.timeout(FLUSH_MS) });
    }
    return 0;
  },
});

/** What the flags say, checked as far as that goes without looking at the machine. */
interface Wishes {
  readonly gateway: ReturnType<typeof parseUpstreamUrl> | undefined;
  readonly name: string;
  readonly firstPort: number;
  readonly named: readonly (readonly string[])[];
  readonly threadCount: number | undefined;
  readonly drainMs: number;
}

function readWishes(options: OptionValues<typeof OPTIONS>): Wishes {
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

async function work(
  context: Context,
  wishes: Wishes & { gateway: NonNullable<Wishes["gateway"]> },
  config: Config,
  logger: Logger,
): Promise<void> {
  const { options, env, signal, hurry } = context;
  const { gateway: { address, basePath }, name, drainMs } = wishes;
  const token = await readWorkerToken({ token: options.token, tokenFile: options["token-file"], env });
  if (options.token !== undefined) {
    writeWarning(
      context,
      `every user of this machine sees --token; use --token-file, or set ${TOKEN_VARIABLE}`,
    );
  }
  const program = await ensureRpcServer(context, config);
  if (options.host !== undefined) chooseBindAddress(options.host, options.advertise); // refused before any wait
  const host = options.host ?? await untilLocalAddress(address, { signal, logger });
  const bind = chooseBindAddress(host, options.advertise);
  if (bind.warning !== undefined) logger.warn("address is dangerous", { reason: bind.warning });
  const { launches, build } = await prepare(context, wishes, program, bind);
  using gateway = new GatewayLink({ address, basePath, name, token });
  await using gpus = await GpuWatch.start(await findGpuSources(env), { logger, signal });
  logger.info("worker starts", { version: VERSION, name, build, program });
  await using worker = await Worker.start(
    { name, version: VERSION, build, gateway, gpus, launches, logger },
    { signal },
  );
  await worker.run({ signal, hurry, drainMs });
  logger.info("stopped");
}

async function showOnce(context: Context, wishes: Wishes, config: Config): Promise<0> {
  const { options, env, signal } = context;
  const { rpcServer } = await findLlamaCpp({ ...config.llamaCpp, env });
  if (!rpcServer.found) writeWarning(context, rpcServer.because);
  // Which address it will be is known when it has met the gateway.
  const bind = chooseBindAddress(options.host ?? "127.0.0.1", options.advertise);
  const { launches, devices, build } = rpcServer.found
    ? await prepare(context, wishes, rpcServer.path, bind)
    : NOTHING_FOUND;
  const sources = await findGpuSources(env);
  const survey = { name: wishes.name, version: VERSION, launches, devices, build, sources, signal };
  const report = await surveyMachine(survey);
  if (options.json) writeJson(context, report);
  else context.stdout.write(toText(report));
  return 0;
}

const NOTHING_FOUND: Preparation = { launches: [], devices: [], build: undefined };

async function ensureRpcServer(
  { options, env, signal, stderr }: Context,
  { llamaCpp }: Config,
): Promise<string> {
  const { rpcServer } = await findLlamaCpp({ ...llamaCpp, env });
  if (rpcServer.found || !options.setup) return requireProgram(rpcServer);
  const prefix = resolve(llamaCpp.prefix ?? defaultPrefix(env));
  using progress = startProgress({ stderr, env }, `Installing llama.cpp into ${prefix}`);
  return (await setupLlamaCpp({ prefix, signal, onProgress: showSetup(progress) })).rpcServer;
}

async function prepare(
  { options, env, signal }: Context,
  { named, firstPort, threadCount }: Wishes,
  program: string,
  bind: BindAddress,
): Promise<Preparation> {
  const wishes = { program, bind, firstPort, named, threadCount, env: withoutToken(env) };
  const { "per-device": isPerDevice = false, cache: isCaching = false } = options;
  return await prepareServers({ ...wishes, isPerDevice, isCaching }, { signal });
}

function toText({ name, version, build, host, backends }: WorkerReport): string {
  const available = formatBytes(host.memory_available_bytes);
  const fields = renderFields([
    ["name", name],
    ["sollol", version],
    ["llama.cpp", build],
    ["processors", String(host.cpu_count)],
    ["memory", `${available} of ${formatBytes(host.memory_total_bytes)} available`],
  ]);
  if (backends.length === 0) return fields;
  const titles = ["RPC SERVER", "DEVICE", "FREE", "TOTAL", "MODEL"].map((title) => ({ title }));
  const rows = backends.flatMap(({ endpoint, devices }) =>
    devices.map((device) => [
      endpoint,
      device.name,
      formatBytes(device.free_bytes),
      formatBytes(device.total_bytes),
      device.description ?? "-",
    ])
  );
  return `${fields}\n${renderTable(titles, rows)}`;
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
