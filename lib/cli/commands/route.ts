import { KEPT_DECISIONS } from "../../router/decision_log.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { renderDecisions, renderRoute } from "../route_text.ts";
import { painter } from "../terminal.ts";

/** `sollol route`: where a request for a model would go, or where the last ones went. */
export const routeCommand: Command = defineCommand({
  name: "route",
  summary: "Say where a request for a model would go now, and why not elsewhere; nothing is sent.",
  details:
    "Asks the gateway that runs. With --last, lists where its last requests went, the newest first, of that model or of " +
    `all; it keeps ${KEPT_DECISIONS}.\n\n` +
    "Ends with 1 if the request would be refused.",
  positionals: [{ name: "MODEL", optional: true }],
  options: {
    task: {
      type: "string",
      value: "TASK",
      choices: ["chat", "completion", "embedding"],
      description: "What kind of request it is; default chat.",
    },
    route: {
      type: "string",
      value: "WHERE",
      description: "Where it asks to go, as x-sollol-route does: node, sharded, or a name.",
    },
    last: { type: "string", value: "COUNT", description: "List so many of the last decisions instead." },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["route llama3.1:70b", "route nomic-embed-text --task embedding --json", "route --last 20"],
  async run(context) {
    const { task, route: wish, last, json } = context.options;
    const [model] = context.args;
    const count = last === undefined ? undefined : countOf(last);
    if (count === undefined && !/\S/.test(model ?? "")) {
      throw new UsageError("MODEL is missing, or --last COUNT");
    }
    if (count !== undefined && (task ?? wish) !== undefined) {
      throw new UsageError("--last takes no --task and no --route");
    }
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const paint = painter(context.stdout, context.env);
    if (count !== undefined) {
      const decisions = await api.listDecisions(count, model);
      if (json) writeJson(context, decisions);
      else context.stdout.write(decisions.length > 0 ? renderDecisions(decisions, paint) : NONE);
      return 0;
    }
    const report = await api.explainRoute(model!, { task, wish });
    if (json) writeJson(context, report);
    else context.stdout.write(renderRoute(report, model!, paint));
    return report.to === "nowhere" ? 1 : 0;
  },
});

const NONE = "No request was answered yet\n";

function countOf(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= KEPT_DECISIONS) return count;
  throw new UsageError(`--last needs a whole number from 1 to ${KEPT_DECISIONS}, got "${text}"`);
}
