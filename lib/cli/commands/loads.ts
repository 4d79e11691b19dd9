import type { StoredLoad } from "../../store/load_rows.ts";
import { formatBytes, formatDuration } from "../../units.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { renderTable } from "../table.ts";
import { type Paint, painter, printable } from "../terminal.ts";

/** `sollol loads`: what loads were planned to take, and what they took. */
export const loadsCommand: Command = defineCommand({
  name: "loads",
  summary: "Compare what loads were planned to take with what they took.",
  details:
    "Asks the gateway that runs for its last loads, the newest first. Each figure is the planned one and what llama.cpp " +
    "then told. Compute buffers are an estimate, which the next load of the same architecture corrects by these.",
  options: {
    limit: { type: "string", value: "COUNT", description: "How many loads; default 20." },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["loads", "loads --limit 3 --json"],
  async run(context) {
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    const loads = await api.listLoads(limitOf(context.options.limit));
    const { stdout, env } = context;
    if (context.options.json) writeJson(context, loads);
    else stdout.write(loads.length > 0 ? render(loads, painter(stdout, env)) : "No model was loaded yet\n");
    return 0;
  },
});

function limitOf(text: string | undefined): number {
  if (text === undefined) return 20;
  if (/^[1-9]\d{0,2}$|^1000$/.test(text)) return Number(text);
  throw new UsageError(`--limit needs a whole number from 1 to 1000, got "${text}"`);
}

function render(loads: readonly StoredLoad[], paint: Paint): string {
  const right = { align: "right" } as const;
  return renderTable(
    [
      { title: "MODEL" },
      { title: "LOADED IN", ...right },
      { title: "RPC BACKEND" },
      { title: "DEVICE", ...right },
      { title: "WEIGHTS", ...right },
      { title: "KV CACHE", ...right },
      { title: "COMPUTE", ...right },
    ],
    loads.flatMap(({ model, loadMs, devices }) =>
      devices.map(({ endpoint, deviceIndex, estimated, actual }, index) => [
        index === 0 ? printable(model) : "",
        index === 0 ? formatDuration(loadMs) : "",
        endpoint,
        String(deviceIndex),
        compared(estimated.weightBytes, actual.weightBytes),
        compared(estimated.kvBytes, actual.kvBytes),
        compared(estimated.computeBytes, actual.computeBytes),
      ])
    ),
    (cell, _column, row) => row < 0 ? paint("heading", cell) : cell,
  );
}

/** `19.0 MiB → 21.3 MiB`; once where a person sees no difference. */
function compared(estimatedBytes: number, actualBytes: number): string {
  const [estimated, actual] = [formatBytes(estimatedBytes), formatBytes(actualBytes)];
  return estimated === actual ? actual : `${estimated} → ${actual}`;
}
