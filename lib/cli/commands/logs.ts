import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { withOurs } from "../served_by_others.ts";
import { printable } from "../terminal.ts";

const DEFAULT_TAIL = 200;
const MAX_TAIL = 10_000;

/** `sollol logs`: shows what a coordinator has written. */
export const logsCommand: Command = defineCommand({
  name: "logs",
  summary: "Show the last lines of a coordinator's log, or follow it.",
  details:
    "Of all starts of the model's llama-server, by the gateway that runs. With --follow until Ctrl-C, also over restarts.",
  positionals: [{ name: "MODEL|ID" }],
  options: {
    follow: { type: "boolean", short: "f", description: "Show new lines as they come, until Ctrl-C." },
    tail: {
      type: "string",
      value: "COUNT",
      description: `How many lines, at most ${MAX_TAIL}; default ${DEFAULT_TAIL}.`,
    },
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["logs llama3.1:70b", "logs c1 --follow --tail 20"],
  async run(context) {
    const { args: [name = ""], options, stdout, signal } = context;
    const tail = tailOf(options.tail);
    if (name === "") throw new UsageError("MODEL|ID is empty");
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(options, config, context);
    const aim = { name, whatElse: "its log is there" };
    if (!options.follow) {
      const log = await withOurs(api, aim, () => api.readLog(name, tail));
      stdout.write(log.replaceAll(/[^\n]+/g, shown));
      return 0;
    }
    try {
      await withOurs(api, aim, async () => {
        for await (const line of api.followLog(name, tail)) stdout.write(`${shown(line)}\n`);
      });
    } catch (error) {
      if (!signal.aborted) throw error; // its end, as it was said to end
    }
    return 0;
  },
});

function tailOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TAIL;
  const tail = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (tail <= MAX_TAIL) return tail;
  throw new UsageError(`--tail needs a whole number from 0 to ${MAX_TAIL}, got "${text}"`);
}

function shown(line: string): string {
  return printable(line.replaceAll("\t", "    "));
}
