import { formatEndpoint } from "../rpc/endpoint.ts";
import type { ProbeResult } from "../rpc/probe.ts";
import { formatVersion } from "../rpc/protocol.ts";
import { MEMORY_COLUMNS, memoryCells, renderBackendTable } from "./backend_table.ts";
import type { Paint } from "./terminal.ts";

/** What probes found, for a person: a table, and why some are not up. */
export function renderProbes(results: readonly ProbeResult[], paint: Paint): string {
  const columns = [{ title: "ENDPOINT" }, { title: "VERDICT" }, { title: "PROTOCOL" }, ...MEMORY_COLUMNS];
  const rows = results.map(({ endpoint, verdict, reason, version, devices }) => ({
    cells: [
      formatEndpoint(endpoint),
      verdict,
      version ? formatVersion(version) : "-",
      ...memoryCells(devices),
    ],
    health: verdict,
    remarks: verdict === "up" ? [] : [reason],
  }));
  return renderBackendTable(columns, rows, paint);
}

/** What a probe found, for scripts. */
export function probeToJson(result: ProbeResult): Record<string, unknown> {
  const { endpoint, verdict, reason, version, devices, connectMs, answerMs } = result;
  return {
    endpoint: formatEndpoint(endpoint),
    verdict,
    reason,
    version: version && formatVersion(version),
    devices: devices.map(({ freeBytes, totalBytes }) => ({ freeBytes, totalBytes })),
    connectMs,
    answerMs,
  };
}
