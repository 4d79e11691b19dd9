import { type Command, defineCommand } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { renderCoordinators } from "../coordinator_table.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { renderExternals } from "../external_table.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { painter } from "../terminal.ts";

/** `sollol ps`: shows the coordinators of a gateway, and those that others run for it. */
export const psCommand: Command = defineCommand({
  name: "ps",
  summary: "Show the models that are loaded or were, where they are, and what they do.",
  details:
    "Asks the gateway that runs. SLOTS are those in use, of all; WAITING counts requests that have none yet. " +
    "TOKENS/S is what all slots together generate now. EXPIRES IN is when a model that nobody uses is unloaded. " +
    "Coordinators that others run are listed below, where there are any, with the requests that this gateway has there; " +
    "--json leaves them out: GET /health tells of them.",
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS },
  examples: ["ps", "ps --gateway http://192.168.1.2:11435 --json"],
  async run(context) {
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const reports = await api.listCoordinators();
    const { stdout, env } = context;
    if (context.options.json) writeJson(context, reports);
    else {
      const paint = painter(stdout, env);
      const externals = await api.listExternals();
      const tables = [
        ...(reports.length > 0 ? [renderCoordinators(reports, paint)] : []),
        ...(externals.length > 0 ? [renderExternals(externals, paint)] : []),
      ];
      stdout.write(tables.join("\n") || NONE);
    }
    return 0;
  },
});

const NONE = `No model was loaded yet; the first request for one loads it, or "sollol load MODEL"\n`;
