import type { CreateApp } from "../../app_parts.ts";
import { EventBus } from "../../bus.ts";
import type { Config } from "../../config/config.ts";
import { isLoopback } from "../../config/listen_address.ts";
import { LiveConfig } from "../../config/live_config.ts";
import type { LoadedConfig } from "../../config/merge.ts";
import type { GatewayEvent } from "../../coordinator_admin.ts";
import type { BufferedLogSink } from "../../log_sink.ts";
import { followConfig } from "../../reload/follow_config.ts";
import { untilAborted } from "../../until_aborted.ts";
import { type Command, defineCommand } from "../command.ts";
import { CONFIG_OPTIONS, loadConfigForCommand, reloadConfigForCommand } from "../config_flags.ts";
import { GatewayServer } from "../gateway_server.ts";
import type { OnReload } from "../host.ts";
import { openProgramLog } from "../program_log.ts";
import { VERSION } from "./version.ts";

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
      "SIGHUP, or a change of the config file, has the configuration read again: no stream is cut, coordinators that " +
      "would be started otherwise now are loaded afresh once they are idle, and the log names what needs a restart. " +
      "A configuration that is wrong changes nothing.",
    options: CONFIG_OPTIONS,
    examples: [
      "serve --rpc 192.168.1.20,192.168.1.21",
      "serve --config /etc/sollol/config.yaml --log-format json",
    ],
    async run(context) {
      const loaded = await loadConfigForCommand(context);
      const { path } = loaded;
      const live = new LiveConfig(loaded.config);
      const { config } = live;
      const { logger, sink } = openProgramLog(config, context.stdout);
      try {
        logger.info("sollol starts", { version: VERSION, config: path });
        for (const warning of warningsOf(loaded)) logger.warn("config doubtful", { warning });
        const events = new EventBus<GatewayEvent>();
        await using _following = await followConfig({
          live,
          path,
          logger,
          onReload,
          read: async () => {
            const again = await reloadConfigForCommand(context, loaded);
            return { config: again.config, warnings: warningsOf(again) };
          },
          onEvent: (event) => events.publish(event),
        });
        const { env, signal } = context;
        const options = { live, events, logger, env, createApp, version: VERSION, signal };
        const server = await GatewayServer.start(options).catch((error) => {
          if (signal.aborted) return undefined;
          throw error;
        });
        if (!server) {
          logger.info("stopped", { because: "told to before it listened" });
          return 0;
        }
        const { mode, nodes, rpcBackends, externalCoordinators } = server.open.gateway.health;
        const counts = { nodeCount: nodes.length, rpcBackendCount: rpcBackends.length };
        logger.info("listening", { url: server.url, mode, ...counts });
        if (nodes.length + rpcBackends.length + externalCoordinators.length === 0) {
          logger.warn("config doubtful", { warning: NOBODY_SERVES });
        }
        await untilAborted(signal);
        await server.shutdown({ drainMs: config.timeouts.drainMs, hurry: context.hurry });
        logger.info("stopped");
      } finally {
        await flushLastLines(sink, context.hurry);
      }
      return 0;
    },
  });
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

function doubts({ listen, apiKeys }: Config): string[] {
  return [
    ...(!isLoopback(listen) && apiKeys.size === 0
      ? [`everybody who reaches ${listen.hostname} may use this gateway; set api_keys`]
      : []),
  ];
}
