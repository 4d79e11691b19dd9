import type { UnloadOutcome } from "../../coordinator_admin.ts";
import { GatewayError } from "../../errors.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { sayWhoServes } from "../served_by_others.ts";
import { printable } from "../terminal.ts";

/** `sollol unload`: has a gateway unload models. */
export const unloadCommand: Command = defineCommand({
  name: "unload",
  summary: "Unload models, each as soon as nothing of it is in flight.",
  details:
    "What waits for one of them is answered by loading it again. One that is not loaded is left as it is. A refusal, or a " +
    "name that means no model, ends it; models before it are unloaded.",
  positionals: [{ name: "MODEL", multiple: true }],
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS },
  examples: ["unload llama3.1:70b", "unload tiny qwen2.5:7b --json"],
  async run(context) {
    const models = [...new Set(context.args)];
    if (models.includes("")) throw new UsageError("MODEL is empty");
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const outcomes = [];
    for (const model of models) {
      const { outcome, because } = await unload(api, model);
      outcomes.push({ model, outcome, because });
      if (!context.options.json) context.stdout.write(`${printable(because)}\n`);
    }
    if (context.options.json) writeJson(context, outcomes);
    return 0;
  },
});

/** There is nothing to unload of a model that others serve, and where it is belongs to the answer. */
async function unload(api: GatewayApi, name: string): Promise<UnloadOutcome> {
  const told = await api.unloadModel(name);
  if (told.outcome !== "not loaded") return told;
  const because = await sayWhoServes(api, { name, whatElse: "there is nothing to unload here" });
  if (because === undefined) await refuseUnknown(api, name);
  return { ...told, because: because ?? told.because };
}

/** A model that is not loaded is no fault, but a name that means nothing is one. @throws {GatewayError} `model_not_found`. */
async function refuseUnknown(api: GatewayApi, name: string): Promise<void> {
  try {
    await api.checkModel(name);
  } catch (error) {
    if (await isKnownCoordinator(api, name)) return; // its files are gone, but it was loaded once
    throw error;
  }
}

async function isKnownCoordinator(api: GatewayApi, name: string): Promise<boolean> {
  try {
    await api.getCoordinator(name);
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === "not_found") return false;
    throw error;
  }
}
