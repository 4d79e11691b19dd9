import { systemClock } from "../../clock.ts";
import { parseKeepAlive } from "../../ollama/keep_alive.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { watchStart } from "../load_watch.ts";
import { loadedToText } from "../loaded_text.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { withOurs } from "../served_by_others.ts";

/** `sollol load`: has a gateway load a model, and shows how far it is. */
export const loadCommand: Command = defineCommand({
  name: "load",
  summary: "Load a model before anybody asks for it, and show where its layers are.",
  details:
    "Has the gateway that runs load the model as a request for it would, and waits until it is ready. " +
    "Ctrl-C ends the waiting, not the load.",
  positionals: [{ name: "MODEL" }],
  options: {
    "keep-alive": {
      type: "string",
      value: "TIME",
      description: "How long it stays once it is idle, such as 1h; 0 for not at all, =-1 for ever.",
    },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["load llama3.1:70b", "load llama3.1:70b --keep-alive 1h", "load tiny --keep-alive=-1"],
  async run(context) {
    const [model = ""] = context.args;
    const keepAlive = context.options["keep-alive"];
    if (model === "") throw new UsageError("MODEL is empty");
    if (keepAlive !== undefined) readArgument("--keep-alive", keepAlive, parseKeepAlive);
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const beganMs = systemClock.monotonic();
    const start = { name: model, begin: () => api.loadModel(model, keepAlive) };
    const aim = { name: model, whatElse: "there is nothing to load here" };
    const report = await withOurs(api, aim, () => watchStart(api, start, context));
    if (context.options.json) writeJson(context, report);
    else context.stdout.write(loadedToText(report, systemClock.monotonic() - beganMs, context));
    return 0;
  },
});
