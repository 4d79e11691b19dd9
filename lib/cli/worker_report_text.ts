import type { WorkerReport } from "../rpc/worker_report.ts";
import { formatBytes } from "../units.ts";
import { renderFields, renderTable } from "./table.ts";

/** What a worker would report, for a person: its machine, and a table of its devices. */
export function workerReportToText({ name, version, build, host, backends }: WorkerReport): string {
  const available = formatBytes(host.memory_available_bytes);
  const fields = renderFields([
    ["name", name],
    ["sollol", version],
    ["llama.cpp", build],
    ["processors", String(host.cpu_count)],
    ["memory", `${available} of ${formatBytes(host.memory_total_bytes)} available`],
  ]);
  if (backends.length === 0) return fields;
  const titles = ["RPC SERVER", "DEVICE", "FREE", "TOTAL", "MODEL"].map((title) => ({ title }));
  const rows = backends.flatMap(({ endpoint, devices }) =>
    devices.map((device) => [
      endpoint,
      device.name,
      formatBytes(device.free_bytes),
      formatBytes(device.total_bytes),
      device.description ?? "-",
    ])
  );
  return `${fields}\n${renderTable(titles, rows)}`;
}
