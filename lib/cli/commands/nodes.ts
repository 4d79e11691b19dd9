import { digestConflicts } from "../../nodes/digest_conflicts.ts";
import type { NodeView } from "../../nodes/node.ts";
import { parseNodeUrl } from "../../nodes/node_url.ts";
import { shortened } from "../../nodes/node_view.ts";
import { type Command, type CommandContext, defineCommand, type ExitCode, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { type NodeOverview, renderNodes } from "../node_table.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { painter, printable } from "../terminal.ts";

/** `sollol nodes`: shows the Ollama nodes that a gateway knows, and tells it of others. */
export const nodesCommand: Command = defineCommand({
  name: "nodes",
  summary: "Show the Ollama nodes that a gateway knows, or add and remove some.",
  details:
    "Asks the gateway that runs. IN FLIGHT is how many requests of this gateway a node has, of those that it gets at a " +
    "time. LOADED counts the models that it has in memory, and MEMORY is what they take. FIRST TOKEN is how long its " +
    "answers take to begin, on average.\n\n" +
    "The gateway remembers nodes that are added, also over a restart. With --add, ends with 0 only if all of them are up.",
  options: {
    add: {
      type: "string",
      value: "URL",
      multiple: true,
      description:
        "Tell the gateway of a node, by host[:port], port 11434 if unsaid, or by URL, then with its port.",
    },
    remove: {
      type: "string",
      value: "NAME",
      multiple: true,
      description: "Make the gateway forget a node that was added, by name or URL.",
    },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["nodes", "nodes --add 192.168.1.10 --add gpu2.lan:11500", "nodes --remove gpu2.lan --json"],
  async run(context) {
    const { add, remove: names } = context.options;
    if (add.length > 0 && names.length > 0) throw new UsageError("--add and --remove do not go together");
    const urls = add.map((text) => readArgument("--add", text, parseNodeUrl));
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    if (urls.length > 0) return await addNodes(api, urls, context);
    return names.length > 0 ? await removeNodes(api, names, context) : await showNodes(api, context);
  },
});

type Context = Pick<CommandContext, "stdout" | "env" | "options">;

const NONE =
  'The gateway knows no Ollama nodes; start Ollama on its host, or add some with "sollol nodes --add URL"\n';

async function showNodes(api: GatewayApi, context: Context): Promise<ExitCode> {
  if (context.options["json"]) writeJson(context, await api.readNodes());
  else showTable(await api.listNodes(), context);
  return 0;
}

/** One by one: a refusal, with the gateway's reason, ends it; those before are shown, since they stay added. */
async function addNodes(api: GatewayApi, urls: readonly string[], context: Context): Promise<ExitCode> {
  const views: NodeView[] = [];
  try {
    for (const url of urls) views.push(await api.addNode(url));
  } finally {
    if (views.length > 0) showAdded(views, context);
  }
  return views.every(({ health }) => health === "up") ? 0 : 1;
}

/** One by one, as they are added. */
async function removeNodes(api: GatewayApi, names: readonly string[], context: Context): Promise<ExitCode> {
  const removals = [];
  for (const name of names) {
    const removal = await api.removeNode(name);
    removals.push(removal);
    if (!context.options["json"]) context.stdout.write(`${printable(removal.reason)}\n`);
  }
  if (context.options["json"]) writeJson(context, removals);
  return 0;
}

function showAdded(views: readonly NodeView[], context: Context): void {
  if (context.options["json"]) writeJson(context, views);
  else showTable({ nodes: views.map(shortened), conflicts: digestConflicts(views) }, context);
}

function showTable(overview: NodeOverview, { stdout, env }: Context): void {
  stdout.write(overview.nodes.length > 0 ? renderNodes(overview, painter(stdout, env)) : NONE);
}
