import type { Config } from "../../config/config.ts";
import { parsePlacement } from "../../config/placement_setting.ts";
import { type LoadHistory, ModelPlanner, NO_HISTORY } from "../../coordinator/model_planner.ts";
import { findLlamaCpp } from "../../llama_cpp/find.ts";
import { ownVersionOf } from "../../llama_cpp/own_version.ts";
import { KV_TYPES } from "../../llama_server/args.ts";
import { silentLogger } from "../../log.ts";
import { type PlanQuestion, PlanService } from "../../plan_service.ts";
import { parseAssumptions } from "../../planner/assume.ts";
import type { PlanReport } from "../../planner/plan_report.ts";
import { formatEndpoint } from "../../rpc/endpoint.ts";
import { databasePath } from "../../store/database_path.ts";
import { openDatabaseCopy } from "../../store/open_database.ts";
import { GgufHeaderCache } from "../../store/gguf_header_cache.ts";
import { LoadStore } from "../../store/load_store.ts";
import {
  type Command,
  type CommandContext,
  defineCommand,
  type OptionSpecs,
  UsageError,
} from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand, MODELS_OPTION } from "../config_flags.ts";
import { findModel } from "../find_model.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { viewBackends } from "../plan_backends.ts";
import { planToText } from "../plan_text.ts";
import { readEndpoints } from "../read_endpoints.ts";

const OPTIONS = {
  ctx: { type: "string", value: "TOKENS", description: "Context per slot; default: as it would be loaded." },
  parallel: { type: "string", value: "COUNT", description: "Slots: requests that are answered at a time." },
  "kv-type": {
    type: "string",
    value: "TYPE",
    choices: KV_TYPES,
    description: "Type of the K and V cache, such as f16 or q8_0.",
  },
  placement: {
    type: "string",
    value: "HOW",
    description: "auto (fewest backends), even, or layers by backend: gpu1:50052=30,gpu2:50052=50.",
  },
  rpc: {
    type: "string",
    value: "HOST:PORT",
    multiple: true,
    description:
      "Plan only with these; default: all that the gateway on this machine or the configuration knows.",
  },
  assume: {
    type: "string",
    value: "HOST:PORT=SIZE",
    multiple: true,
    description: "Plan with machines that you do not have: gpu1:50052=24GiB,ram2=cpu:64GiB@110MB.",
  },
  ...JSON_OPTION,
  ...MODELS_OPTION,
  ...GATEWAY_OPTIONS,
  ...CONFIG_FILE_OPTIONS,
} as const satisfies OptionSpecs;

type Context = CommandContext<typeof OPTIONS>;

/** `sollol plan`: where a model's layers would go, or what is missing; nothing is loaded. */
export const planCommand: Command = defineCommand({
  name: "plan",
  summary: "Show where a model's layers would go, and whether there is room; nothing is loaded.",
  details:
    "Weighs the model's layers, KV cache and compute buffers and places them on rpc backends as a load would. " +
    "Asks the gateway on this machine for its backends if it runs, else the backends themselves. With --assume, plans " +
    "for machines that you do not have. With --gateway, a gateway elsewhere plans with its own models.\n\n" +
    "Ends with 0 if the model fits, with 1 if it does not.",
  positionals: [{ name: "MODEL" }],
  options: OPTIONS,
  examples: [
    "plan llama3.1:70b",
    "plan llama3.1:70b --ctx 32768 --parallel 2 --kv-type q8_0",
    "plan llama3.1:70b --assume pc1=15.5GiB,pc2=31.3GiB,pc3=15.3GiB",
  ],
  async run(context) {
    const { config } = await loadConfigForCommand(context);
    const question = questionOf(context);
    const report = context.options.gateway === undefined
      ? await planHere(question, config, context)
      : await planThere(question, config, context);
    if (context.options.json) writeJson(context, report);
    else context.stdout.write(planToText(report, context));
    return report.fits ? 0 : 1;
  },
});

function questionOf({ args: [model = ""], options }: Context): PlanQuestion {
  const { placement, assume, rpc } = options;
  if (assume.length > 0 && rpc.length > 0) {
    throw new UsageError("--assume and --rpc exclude each other; an assumed backend is not asked");
  }
  return {
    model,
    contextSize: countOf("--ctx", options.ctx),
    slotCount: countOf("--parallel", options.parallel),
    kvType: options["kv-type"],
    strategy: placement === undefined ? undefined : readArgument("--placement", placement, parsePlacement),
    assumed: assume.length === 0 ? undefined : readArgument("--assume", assume.join(","), parseAssumptions),
    onlyEndpoints: rpc.length === 0 ? undefined : readEndpoints("--rpc", rpc).map(formatEndpoint),
  };
}

function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} needs a whole number from 1, got "${text}"`);
}

async function planHere(question: PlanQuestion, config: Config, context: Context): Promise<PlanReport> {
  using owned = new DisposableStack();
  const service = new PlanService({
    resolve: (name) => findModel(name, config, context),
    backends: (endpoints) => viewBackends(endpoints, config, context),
    build: async () => {
      const programs = await findLlamaCpp({ ...config.llamaCpp, env: context.env });
      return (await ownVersionOf(programs, { signal: context.signal }))?.build;
    },
    planner: new ModelPlanner(config, new GgufHeaderCache(), historyOf(config, owned)),
  });
  return await service.plan(question, context.signal);
}

/** What the gateway on this machine has learned, if it ever ran and we may read that. */
function historyOf({ stateDir }: Config, owned: DisposableStack): LoadHistory {
  const path = databasePath(stateDir);
  try {
    Deno.statSync(path);
  } catch {
    return NO_HISTORY;
  }
  return new LoadStore(owned.use(openDatabaseCopy(path, { logger: silentLogger })), { logger: silentLogger });
}

async function planThere(question: PlanQuestion, config: Config, context: Context): Promise<PlanReport> {
  const { gateway, token, placement, assume } = context.options;
  using api = GatewayApi.of({ gateway, token }, config, context);
  return await api.plan({
    model: question.model,
    context_size: question.contextSize,
    slots: question.slotCount,
    kv_type: question.kvType,
    placement,
    assume: assume.length === 0 ? undefined : assume.join(","),
    rpc_backends: question.onlyEndpoints,
  });
}
