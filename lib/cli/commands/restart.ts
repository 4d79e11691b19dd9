import { systemClock } from "../../clock.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { watchStart } from "../load_watch.ts";
import { loadedToText } from "../loaded_text.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { withOurs } from "../served_by_others.ts";

/** `sollol restart`: has a gateway stop a coordinator and start it again. */
export const restartCommand: Command = defineCommand({
  name: "restart",
  summary: "Stop a model's coordinator when nothing of it is in flight, and start it again.",
  details: "Also gives a model that has failed another try. Ctrl-C ends the waiting, not the restart.",
  positionals: [{ name: "MODEL|ID" }],
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS },
  examples: ["restart llama3.1:70b", "restart c1"],
  async run(context) {
    const [name = ""] = context.args;
    if (name === "") throw new UsageError("MODEL|ID is empty");
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const beganMs = systemClock.monotonic();
    const start = { name, begin: () => api.restartCoordinator(name) };
    const aim = { name, whatElse: "it can be restarted there only" };
    const report = await withOurs(api, aim, () => watchStart(api, start, context));
    if (context.options.json) writeJson(context, report);
    else context.stdout.write(loadedToText(report, systemClock.monotonic() - beganMs, context));
    return 0;
  },
});
