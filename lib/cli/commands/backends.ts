import type { BackendDevice, BackendView } from "../../rpc/backend.ts";
import { formatBytes, formatDuration } from "../../units.ts";
import { MEMORY_COLUMNS, memoryCells, renderBackendTable } from "../backend_table.ts";
import { type Command, defineCommand } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { type Paint, painter } from "../terminal.ts";
import { renderWorkers } from "../worker_list.ts";

/** `sollol backends`: shows the rpc backends that a gateway knows. */
export const backendsCommand: Command = defineCommand({
  name: "backends",
  summary: "Show the rpc backends that a gateway knows, and how they are.",
  details:
    "Asks the gateway that runs; no backend is disturbed. Workers are listed below, where there are any. AGE is for how long it has been known that a backend is so. " +
    "To ask the backends themselves, use `sollol probe`.",
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS },
  examples: ["backends", "backends --gateway http://192.168.1.2:11435 --json"],
  async run(context) {
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const views = await api.listBackends();
    const { stdout, env } = context;
    if (context.options.json) writeJson(context, views);
    else {
      const paint = painter(stdout, env);
      stdout.write(views.length > 0 ? render(views, paint) : NONE);
      const workers = renderWorkers(await api.listWorkers(), paint);
      if (workers !== "") stdout.write(`\n${workers}`);
    }
    return 0;
  },
});

const NONE = `The gateway knows no rpc backends; add some with "sollol register HOST:PORT"\n`;

function render(views: readonly BackendView[], paint: Paint): string {
  const columns = [
    { title: "RPC BACKEND" },
    { title: "HEALTH" },
    { title: "HELD BY" },
    { title: "VERSION" },
    ...MEMORY_COLUMNS,
    { title: "SOURCES" },
    { title: "AGE", align: "right" as const },
  ];
  const rows = views.map((view) => ({ cells: toCells(view), health: view.health, remarks: remarksOn(view) }));
  return renderBackendTable(columns, rows, paint);
}

function toCells(view: BackendView): string[] {
  const [, ...memory] = memoryCells(view.devices);
  return [
    view.endpoint,
    view.health,
    view.holder ?? "-",
    [view.protocol, view.build].filter((version) => version !== undefined).join(" ") || "-",
    countKinds(view.devices),
    ...memory,
    view.sources.join(", "),
    view.ageMs === undefined ? "-" : formatDuration(view.ageMs),
  ];
}

/** `2 gpu`, `1 gpu, 1 cpu`. */
function countKinds(devices: readonly BackendDevice[]): string {
  const kinds = [...Map.groupBy(devices, ({ kind }) => kind)];
  return kinds.map(([kind, same]) => `${same.length} ${kind}`).join(", ") || "-";
}

function remarksOn({ endpoint, health, holder, reason, aliases, limits, isDraining }: BackendView): string[] {
  return [
    ...(health === "up" || holder !== undefined ? [] : [reason]),
    ...(isDraining ? [`${endpoint} is draining: its worker is about to stop`] : []),
    ...(limits.isExcluded ? [`${endpoint} is excluded: no model is planned onto it`] : []),
    ...(limits.memoryLimitBytes === undefined
      ? []
      : [`${endpoint} is limited to ${formatBytes(limits.memoryLimitBytes)}`]),
    ...(aliases.length > 0 ? [`${endpoint} is also reached as ${aliases.join(", ")}`] : []),
  ];
}
