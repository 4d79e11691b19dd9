import type { CreateApp } from "../../app_parts.ts";
import { EventBus } from "../../bus.ts";
import type { Config } from "../../config/config.ts";
import { isLoopback } from "../../config/listen_address.ts";
import { LiveConfig } from "../../config/live_config.ts";
import type { ConfigFromDisk } from "../../config/load.ts";
import type { LoadedConfig } from "../../config/merge.ts";
import type { GatewayEvent } from "../../coordinator_admin.ts";
import type { Logger } from "../../log.ts";
import type { BufferedLogSink } from "../../log_sink.ts";
import { followConfig } from "../../reload/follow_config.ts";
import { GatewayService } from "../../service/gateway_service.ts";
import { ProgramWatch } from "../../service/program_watch.ts";
import { hideServiceVariables } from "../../service/service_variables.ts";
import { StateLock } from "../../service/state_lock.ts";
import { takeInheritedSocket } from "../../serving/inherited_socket.ts";
import { pathOf, thisProcess } from "../../systemd/own_program.ts";
import { untilAborted } from "../../until_aborted.ts";
import { VERSION } from "../build_info.ts";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { CONFIG_OPTIONS } from "../config_flags.ts";
import { GatewayServer } from "../gateway_server.ts";
import type { OnReload } from "../host.ts";
import { openProgramLog } from "../program_log.ts";
import { loadServeConfig, reloadServeConfig } from "../serve_config.ts";

/** For how long a reader may take the last lines of the log, ms. */
const FLUSH_MS = 1_000;
/** The same after a second signal: one that reads at all needs no more. */
const HURRIED_FLUSH_MS = 100;

const NEVER: OnReload = () => ({ [Symbol.dispose]: () => {} });

/**
 * `sollol serve`: the gateway itself, until it is told to stop.
 *
 * @param onReload Tells of each SIGHUP. Default: nobody does.
 */
export function serveCommand(createApp: CreateApp, onReload: OnReload = NEVER): Command {
  return defineCommand({
    name: "serve",
    summary: "Run the gateway.",
    details:
      "Answers the clients of OpenAI, Ollama and Anthropic on one port: for models that Ollama nodes hold, and " +
      "for those that it finds in Ollama's storage, spread over rpc backends. " +
      "The first SIGINT or SIGTERM lets requests in flight finish (timeouts.drain); the second one cuts them. " +
      "SIGHUP, or a change of the config file, has the configuration and the keys read again: no stream is cut, " +
      "coordinators that would be started otherwise now are loaded afresh once they are idle, and the log names what " +
      "needs a restart. " +
      "A configuration that is wrong changes nothing.",
    options: CONFIG_OPTIONS,
    examples: [
      "serve --rpc 192.168.1.20,192.168.1.21",
      "serve --config /etc/sollol/config.yaml --log-format json",
    ],
    async run(context) {
      const loaded = await Promise.race([loadServeConfig(context), untilAborted(context.signal)]);
      if (!loaded) return 0; // told to end before it had begun
      const live = new LiveConfig(loaded.config);
      const { logger, sink } = openProgramLog(live.config, context.stdout);
      try {
        logger.info("sollol starts", { version: VERSION, config: loaded.path });
        for (const warning of warningsOf(loaded)) logger.warn("config doubtful", { warning });
        await serve({ context, loaded, live, logger, createApp, onReload });
        logger.info("stopped");
      } finally {
        await flushLastLines(sink, context.hurry);
      }
      return 0;
    },
  });
}

/** What a gateway is started with. */
interface ServeParts {
  readonly context: CommandContext;
  readonly loaded: ConfigFromDisk;
  readonly live: LiveConfig;
  readonly logger: Logger;
  readonly createApp: CreateApp;
  readonly onReload: OnReload;
}

interface StartParts extends ServeParts {
  readonly events: EventBus<GatewayEvent>;
  readonly restartNeeded: () => string | undefined;
}

async function serve(parts: ServeParts): Promise<void> {
  const { context: { env, signal, hurry }, loaded, live, logger, onReload } = parts;
  const program = new ProgramWatch({ path: pathOf(thisProcess(env)), version: VERSION });
  hideServiceVariables();
  await using service = new GatewayService({ env, logger, program });
  const events = new EventBus<GatewayEvent>();
  await using _following = await followConfig({
    live,
    path: loaded.path,
    logger,
    onReload,
    read: async () => {
      const again = await reloadServeConfig(parts.context, loaded, live.config);
      return { config: again.config, warnings: warningsOf(again) };
    },
    onReading: service.onReading,
    onEvent: (event) => {
      service.readConfig(event);
      events.publish(event);
    },
  });
  using owned = new DisposableStack();
  const restartNeeded = () => program.restartNeeded;
  const server = await start({ ...parts, events, restartNeeded }, owned).catch((error) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (!server) return service.givesUp();
  tellListening(server, logger);
  await service.serves(server, { signal });
  await untilAborted(signal);
  const { drainMs } = live.config.timeouts;
  await service.drains(server, drainMs);
  await server.shutdown({ drainMs, hurry });
}

/** @param owned Gets what must be held until the server is gone. */
async function start(
  { context: { env, signal }, live, events, logger, createApp, restartNeeded }: StartParts,
  owned: DisposableStack,
): Promise<GatewayServer> {
  const lock = owned.use(await StateLock.take(live.config.stateDir, { version: VERSION, signal }));
  const inherited = takeInheritedSocket();
  const version = VERSION;
  const options = { live, events, logger, env, createApp, version, restartNeeded, inherited, signal };
  const server = await GatewayServer.start(options);
  lock?.servesAt(server.url);
  return server;
}

function tellListening({ url, open }: GatewayServer, logger: Logger): void {
  const { mode, nodes, rpcBackends, externalCoordinators } = open.gateway.health;
  logger.info("listening", { url, mode, nodeCount: nodes.length, rpcBackendCount: rpcBackends.length });
  if (nodes.length + rpcBackends.length + externalCoordinators.length === 0) {
    logger.warn("config doubtful", { warning: NOBODY_SERVES });
  }
}

/** A reader that stalls must not keep the gateway from exiting: it gets a second, and less once we were told to hurry. */
async function flushLastLines(sink: BufferedLogSink, hurry: AbortSignal): Promise<void> {
  const patience = AbortSignal.timeout(hurry.aborted ? HURRIED_FLUSH_MS : FLUSH_MS);
  await sink.flush({ signal: hurry.aborted ? patience : AbortSignal.any([patience, hurry]) });
}

const NOBODY_SERVES =
  "there is neither an Ollama node nor an rpc backend yet: name an Ollama in ollama_nodes or with `sollol nodes --add " +
  "URL`, or start `sollol worker --gateway URL` on a machine";

/** What is allowed, but probably not meant. */
function warningsOf({ warnings, config }: LoadedConfig): string[] {
  return [...warnings, ...doubts(config)];
}

function doubts({ listen, auth }: Config): string[] {
  return [
    ...(!isLoopback(listen) && auth.allowsAnonymous
      ? [`everybody who reaches ${listen.hostname} may ask models without a key (auth.allow_anonymous)`]
      : []),
  ];
}
