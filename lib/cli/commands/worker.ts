import { resolve } from "node:path";
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import { formatAddress } from "../../http/address.ts";
import { findLlamaCpp, requireProgram } from "../../llama_cpp/find.ts";
import { defaultPrefix } from "../../llama_cpp/installation.ts";
import { setupLlamaCpp } from "../../llama_cpp/setup.ts";
import type { Logger } from "../../log.ts";
import { describeLeaving, describeLending } from "../../service/lending_status.ts";
import { ServiceManager } from "../../service/service_manager.ts";
import { hideServiceVariables, withoutServiceVariables } from "../../service/service_variables.ts";
import { WatchedLink } from "../../service/watched_link.ts";
import { untilAborted } from "../../until_aborted.ts";
import { type BindAddress, chooseBindAddress } from "../../worker/bind_address.ts";
import { findGpuSources, GpuWatch } from "../../worker/gpu_watch.ts";
import { untilLocalAddress } from "../../worker/local_address.ts";
import { type Preparation, prepareServers } from "../../worker/prepare_servers.ts";
import { surveyMachine } from "../../worker/survey.ts";
import { Worker } from "../../worker/worker.ts";
import { readWorkerToken, TOKEN_VARIABLE, withoutToken } from "../../worker/worker_token.ts";
import { VERSION } from "../build_info.ts";
import { type Command, type CommandContext, defineCommand, UsageError } from "../command.ts";
import { loadConfigForCommand } from "../config_flags.ts";
import { writeJson, writeWarning } from "../output.ts";
import { openProgramLog } from "../program_log.ts";
import { startProgress } from "../progress.ts";
import { readWorkerWishes, WORKER_OPTIONS, type WorkerWishes } from "../worker_options.ts";
import { workerReportToText } from "../worker_report_text.ts";
import { showSetup } from "./setup.ts";

/** For how long a reader may take the last lines of the log, ms. */
const FLUSH_MS = 1_000;

/** A gateway that is there is reached within this time, ms. */
const PROMPT_MS = 1_000;

type Context = CommandContext<typeof WORKER_OPTIONS>;

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
  options: WORKER_OPTIONS,
  examples: [
    "worker --gateway http://192.168.1.10:11435",
    "worker --gateway http://shelf:11435 --devices CUDA0 --devices CUDA1",
    "worker --once",
  ],
  async run(context) {
    const wishes = readWorkerWishes(context.options);
    const { config } = await loadConfigForCommand(context);
    if (context.options.once) return await showOnce(context, wishes, config);
    if (!wishes.gateway) throw new UsageError("--gateway URL is missing: where is the gateway?");
    const { logger, sink } = openProgramLog(config, context.stdout);
    try {
      hideServiceVariables();
      await using manager = new ServiceManager({ env: context.env, logger });
      await work(context, { ...wishes, gateway: wishes.gateway }, { config, logger, manager });
    } finally {
      await sink.flush({ signal: AbortSignal.timeout(FLUSH_MS) });
    }
    return 0;
  },
});

/** Wishes of a worker that is to join a gateway. */
type JoiningWishes = WorkerWishes & { readonly gateway: NonNullable<WorkerWishes["gateway"]> };

interface WorkParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly manager: ServiceManager;
}

async function work(context: Context, wishes: JoiningWishes, parts: WorkParts): Promise<void> {
  const { manager } = parts;
  manager.starting(() => "starts its rpc servers");
  // It stands for the event loop alone: whether its rpc servers answer is for it to see, and for the gateway.
  await using _watch = manager.watch(() => Promise.resolve(true));
  try {
    await lend(context, wishes, parts);
  } catch (error) {
    if (error !== context.signal.reason) throw error;
    manager.stopping(() => "was told to end before it had begun");
  }
}

async function lend(
  context: Context,
  wishes: JoiningWishes,
  { config, logger, manager }: WorkParts,
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
  const host = options.host ?? await addressTowards(wishes.gateway, { signal, logger, manager });
  const bind = chooseBindAddress(host, options.advertise);
  if (bind.warning !== undefined) logger.warn("address is dangerous", { reason: bind.warning });
  const { launches, build } = await prepare(context, wishes, program, bind);
  using gateway = new WatchedLink({ address, basePath, name, token });
  await using gpus = await GpuWatch.start(await findGpuSources(env), { logger, signal });
  logger.info("worker starts", { version: VERSION, name, build, program });
  await using worker = await Worker.start(
    { name, version: VERSION, build, gateway, gpus, launches, logger },
    { signal },
  );
  const serverCount = launches.length;
  manager.ready(() => describeLending({ name, url: gateway.url, serverCount, outcome: gateway.outcome }));
  void untilAborted(signal).then(() => manager.stopping(() => describeLeaving(drainMs)));
  await worker.run({ signal, hurry, drainMs });
  logger.info("stopped");
}

/**
 * The address that the gateway sees us at. One that is not there yet is waited for; nobody who started this worker is to
 * wait for it, too.
 */
async function addressTowards(
  { address, basePath }: JoiningWishes["gateway"],
  { signal, logger, manager }: Omit<WorkParts, "config"> & { readonly signal: AbortSignal },
): Promise<string> {
  const found = new AbortController();
  const url = formatAddress(address) + basePath;
  const tellWaiting = () =>
    manager.ready(() => `waits for ${url}, to learn on which address to run its rpc servers`);
  void systemClock.sleep(PROMPT_MS, { signal: found.signal }).then(tellWaiting, () => {});
  try {
    return await untilLocalAddress(address, { signal, logger });
  } finally {
    found.abort();
  }
}

async function showOnce(context: Context, wishes: WorkerWishes, config: Config): Promise<0> {
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
  else context.stdout.write(workerReportToText(report));
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
  { named, firstPort, threadCount }: WorkerWishes,
  program: string,
  bind: BindAddress,
): Promise<Preparation> {
  const wishes = {
    program,
    bind,
    firstPort,
    named,
    threadCount,
    env: withoutServiceVariables(withoutToken(env)),
  };
  const { "per-device": isPerDevice = false, cache: isCaching = false } = options;
  return await prepareServers({ ...wishes, isPerDevice, isCaching }, { signal });
}
