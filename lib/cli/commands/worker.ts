import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { findLlamaCpp, requireProgram } from "../../llama_cpp/find.ts";
import { defaultPrefix } from "../../llama_cpp/installation.ts";
import { setupLlamaCpp } from "../../llama_cpp/setup.ts";
import type { Logger } from "../../log.ts";
import { type BindAddress, chooseBindAddress } from "../../worker/bind_address.ts";
import { GatewayLink } from "../../worker/gateway_link.ts";
import { findGpuSources, GpuWatch } from "../../worker/gpu_watch.ts";
import { untilLocalAddress } from "../../worker/local_address.ts";
import { type Preparation, prepareServers } from "../../worker/prepare_servers.ts";
import { surveyMachine } from "../../worker/survey.ts";
import { Worker } from "../../worker/worker.ts";
import { readWorkerToken, TOKEN_VARIABLE, withoutToken } from "../../worker/worker_token.ts";
import { type Command, type CommandContext, defineCommand, UsageError } from "../command.ts";
import { loadConfigForCommand } from "../config_flags.ts";
import { writeJson, writeWarning } from "../output.ts";
import { openProgramLog } from "../program_log.ts";
import { startProgress } from "../progress.ts";
import { readWorkerWishes, WORKER_OPTIONS, type WorkerWishes } from "../worker_options.ts";
import { workerReportToText } from "../worker_report_text.ts";
import { showSetup } from "./setup.ts";
import { VERSION } from "./version.ts";

/** For how long a reader may take the last lines of the log, ms. */
const FLUSH_MS = 1_000;

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
      await work(context, { ...wishes, gateway: wishes.gateway }, config, logger);
    } catch (error) {
      if (error !== context.signal.reason) throw error; // told to end before it had begun
    } finally {
      await sink.flush({ signal: AbortSignal.timeout(FLUSH_MS) });
    }
    return 0;
  },
});

async function work(
  context: Context,
  wishes: WorkerWishes & { gateway: NonNullable<WorkerWishes["gateway"]> },
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
  const wishes = { program, bind, firstPort, named, threadCount, env: withoutToken(env) };
  const { "per-device": isPerDevice = false, cache: isCaching = false } = options;
  return await prepareServers({ ...wishes, isPerDevice, isCaching }, { signal });
}
