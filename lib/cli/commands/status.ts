import { type Command, defineCommand } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { type GatewayStatus, troublesOf } from "../gateway_troubles.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { renderStatus } from "../status_text.ts";
import { painter } from "../terminal.ts";

/** `sollol status`: says in plain words how a gateway is, and what is wrong. */
export const statusCommand: Command = defineCommand({
  name: "status",
  summary: "Say how the gateway is, and what is wrong.",
  details:
    "Asks the gateway that runs, which answers from what it knows: nobody else is asked. More is told by `sollol nodes`, " +
    "`sollol backends` and `sollol ps`.\n\n" +
    "Ends with 0 if nothing is wrong, and with 1 if something is, or no gateway answers.",
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS },
  examples: ["status", "status --gateway http://192.168.1.2:11435 --json"],
  async run(context) {
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const status = await readStatus(api);
    const troubles = troublesOf(status);
    if (context.options.json) writeJson(context, { isSound: troubles.length === 0, troubles, ...status });
    else context.stdout.write(renderStatus(status, troubles, painter(context.stdout, context.env)));
    return troubles.length === 0 ? 0 : 1;
  },
});

async function readStatus(api: GatewayApi): Promise<GatewayStatus> {
  const [state, { nodes }, rpcBackends, coordinators, externalCoordinators, models] = await Promise.all([
    api.getState(),
    api.listNodes(),
    api.listBackends(),
    api.listCoordinators(),
    api.listExternals(),
    api.listModels(),
  ]);
  return { url: api.url, ...state, nodes, rpcBackends, coordinators, externalCoordinators, models };
}
