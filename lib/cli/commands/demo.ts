import { join } from "node:path";
import type { CreateApp } from "../../app_parts.ts";
import type { Config } from "../../config/config.ts";
import { layerOf } from "../../config/layer.ts";
import { parseListenAddress } from "../../config/listen_address.ts";
import { LiveConfig } from "../../config/live_config.ts";
import { mergeConfig } from "../../config/merge.ts";
import { DemoBackends } from "../../demo/demo_backends.ts";
import { type DemoAnswer, sendDemoChat } from "../../demo/demo_chat.ts";
import { DEMO_MODEL, writeDemoStore } from "../../demo/demo_store.ts";
import { GatewayError } from "../../errors.ts";
import { HttpClient } from "../../http/client.ts";
import { findLlamaCpp } from "../../llama_cpp/find.ts";
import { defaultPrefix } from "../../llama_cpp/installation.ts";
import { setupLlamaCpp } from "../../llama_cpp/setup.ts";
import { createLogger } from "../../log.ts";
import { formatEndpoint } from "../../rpc/endpoint.ts";
import { openGguf } from "../../store/gguf_file.ts";
import { untilAborted } from "../../until_aborted.ts";
import { VERSION } from "../build_info.ts";
import { type Command, type CommandContext, defineCommand, type OptionSpecs } from "../command.ts";
import { type DemoReport, demoToJson, demoToText, invitationToTry } from "../demo_report.ts";
import { GatewayServer } from "../gateway_server.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { type Progress, startProgress } from "../progress.ts";
import { showSetup } from "./setup.ts";

const DEFAULT_LISTEN = "127.0.0.1:11435";
const MAX_TOKENS = 48;

/** `sollol demo`: the whole way once, on this machine alone. */
export function demoCommand(createApp: CreateApp): Command {
  return defineCommand({
    name: "demo",
    summary: "Shard a tiny model over three rpc backends on this machine and chat with it.",
    details:
      "Gets llama.cpp if it is missing, writes a tiny model into an Ollama-shaped store, starts three rpc backends " +
      "and the gateway, sends one chat and shows where the model's layers are. The model's weights are random: " +
      "its words mean nothing, but they really come from three backends. Stays up until Ctrl-C.",
    options: {
      once: { type: "boolean", description: "End after the answer; nothing is left running." },
      prompt: {
        type: "string",
        value: "TEXT",
        description: "What to say; default: a question about the shelf.",
      },
      listen: {
        type: "string",
        short: "l",
        value: "ADDRESS",
        description: `Where the gateway listens; default ${DEFAULT_LISTEN}, or any free port.`,
      },
      ...JSON_OPTION,
    },
    examples: ["demo", "demo --once --json"],
    async run(context) {
      await using demo = new AsyncDisposableStack();
      const shelf = await setUp(context, createApp, demo);
      const report = reportOf(shelf, await chatOnce(shelf, context));
      if (context.options.json) writeJson(context, demoToJson(report));
      else context.stdout.write(demoToText(report, context));
      if (context.options.once) return 0;
      context.stdout.write(context.options.json ? "" : invitationToTry(shelf.server.url, context));
      await untilAborted(context.signal);
      return 0;
    },
  });
}

/** Everything that the demo runs. */
interface Shelf {
  readonly server: GatewayServer;
  readonly backends: DemoBackends;
  /** Layers of the model, as its file says. */
  readonly layerCount: number;
}

async function setUp(
  context: CommandContext<OptionSpecs>,
  createApp: CreateApp,
  demo: AsyncDisposableStack,
): Promise<Shelf> {
  const { signal, env } = context;
  using progress = startProgress(context, "Looking for llama.cpp");
  const { llamaServer, rpcServer } = await ensurePrograms(context, progress);
  progress.update("Writing a tiny model into an Ollama-shaped store");
  const directory = await Deno.makeTempDir({ prefix: "sollol-demo-" });
  demo.defer(() => Deno.remove(directory, { recursive: true }));
  const { modelPath } = await writeDemoStore(directory);
  const { model } = await openGguf(modelPath, { signal });
  signal.throwIfAborted();
  progress.update("Starting three rpc backends");
  const backends = demo.use(await DemoBackends.start(rpcServer, { signal }));
  progress.update("Starting the gateway");
  const logger = createLogger({
    sink: (line) => context.stderr.write(`${line}\n`),
    level: "warn",
    format: context.stderr.isTerminal ? "pretty" : "json",
  });
  const config = configFor(backends, directory, llamaServer);
  const server = await listen(
    context,
    (listen) =>
      GatewayServer.start({
        live: new LiveConfig({ ...config, listen }),
        logger,
        env,
        createApp,
        version: VERSION,
      }),
  );
  demo.use(server);
  return { server, backends, layerCount: model.kind === "model" ? model.blockCount : 0 };
}

async function ensurePrograms(
  { env, signal }: CommandContext,
  progress: Progress,
): Promise<{ llamaServer: string; rpcServer: string }> {
  const { llamaServer, rpcServer } = await findLlamaCpp({ env });
  if (llamaServer.found && rpcServer.found) {
    return { llamaServer: llamaServer.path, rpcServer: rpcServer.path };
  }
  const prefix = defaultPrefix(env);
  return await setupLlamaCpp({ prefix, signal, onProgress: showSetup(progress) });
}

function configFor({ endpoints }: DemoBackends, directory: string, llamaServer: string): Config {
  const values = {
    rpc_backends: endpoints.map(formatEndpoint),
    models: [directory],
    state_dir: directory,
    "coordinator.log_dir": join(directory, "logs"),
    "coordinator.threads": 1, // the backends want the cores
    "coordinator.cache_ram": "0",
    "coordinator.placement": "even", // the fewest backends that fit would be one
    "llama_cpp.llama_server": llamaServer,
  };
  const source = { kind: "flag", flag: "demo" } as const;
  return mergeConfig({
    flags: layerOf(Object.entries(values).map(([path, value]) => ({ path, value, source }))),
  }).config;
}

/** The usual port if it is free: a demo beside a running gateway takes any other. */
async function listen(
  { options }: CommandContext<OptionSpecs>,
  start: (listen: Config["listen"]) => Promise<GatewayServer>,
): Promise<GatewayServer> {
  const wanted = typeof options["listen"] === "string" ? options["listen"] : undefined;
  try {
    return await start(parseListenAddress(wanted ?? DEFAULT_LISTEN));
  } catch (error) {
    if (wanted !== undefined || !(error instanceof GatewayError) || error.code !== "conflict") throw error;
    return await start(parseListenAddress("127.0.0.1:0"));
  }
}

async function chatOnce({ server }: Shelf, context: CommandContext<OptionSpecs>): Promise<DemoAnswer> {
  using http = new HttpClient();
  using progress = startProgress(context, "Loading the model and asking it");
  return await sendDemoChat(http, {
    url: server.url,
    model: DEMO_MODEL,
    prompt: typeof context.options["prompt"] === "string"
      ? context.options["prompt"]
      : "Tell me about the machines on the shelf.",
    maxTokens: MAX_TOKENS,
    signal: context.signal,
    onAnswer: () => progress.update("Reading the answer"),
  });
}

function reportOf({ server, layerCount }: Shelf, chat: DemoAnswer): DemoReport {
  const devices = server.open.gateway.health.coordinators[0]?.placement?.devices ?? [];
  return { url: server.url, layerCount, devices, chat };
}
