import type { PlacedDevice } from "../planner/placement.ts";
import type { PlanReport } from "../planner/plan_report.ts";
import { formatBytes, formatDuration } from "../units.ts";
import type { CliHost } from "./command.ts";
import { renderTable } from "./table.ts";
import { painter, printable, wrap } from "./terminal.ts";

/** A plan for a person: where every layer goes and why, or what is missing and what would fit. */
export function planToText(report: PlanReport, { stdout, env }: Pick<CliHost, "stdout" | "env">): string {
  const paint = painter(stdout, env);
  const width = Math.min(stdout.columns, 100) - 2;
  const sentences = (texts: readonly string[]): string =>
    texts.flatMap((text) =>
      wrap(printable(text), width - 2)
        .map((line, index) => `${index === 0 ? "- " : "  "}${line}\n`)
    ).join("");
  const verdict = report.fits ? paint("good", "It fits.") : paint("bad", "It does not fit.");
  const notes = report.fits ? report.reasons : [report.because];
  return [
    `${paint("heading", headlineOf(report))}\n${verdict}\n\n`,
    report.fits ? `${deviceTable(report)}\n` : "",
    sentences([...notes, ...report.leftOut.map(({ reason }) => `left out: ${reason}`)]),
  ].join("");
}

function headlineOf(
  { model, architecture, fileType, layerCount, contextSize, slotCount, kvType }: PlanReport,
) {
  const slots = slotCount === 1 ? "1 slot" : `${slotCount} slots`;
  return `${printable(model)}: ${printable(architecture)} ${printable(fileType)}, ${layerCount} layers, ` +
    `${slots} of ${contextSize} tokens, KV cache ${kvType}`;
}

function deviceTable({ devices, hostBytes, loadMs }: PlanReport): string {
  const table = renderTable(
    [
      { title: "RPC BACKEND" },
      { title: "DEVICE" },
      { title: "LAYERS" },
      { title: "COUNT", align: "right" },
      { title: "WEIGHTS", align: "right" },
      { title: "KV CACHE", align: "right" },
      { title: "COMPUTE", align: "right" },
      { title: "FREE", align: "right" },
      { title: "FREE AFTER", align: "right" },
    ],
    devices.map((device) => [
      device.endpoint,
      printable(device.deviceName ?? `${device.kind} ${device.deviceIndex}`),
      layersOf(device),
      String(device.layerCount),
      formatBytes(device.weightBytes),
      formatBytes(device.kvBytes),
      formatBytes(device.computeBytes),
      formatBytes(device.freeBytes),
      formatBytes(device.freeAfterBytes),
    ]),
  );
  const load = loadMs === null ? "" : `; loading takes about ${formatDuration(loadMs)}`;
  return `${table}on the coordinator's host: ${formatBytes(hostBytes)}${load}\n`;
}

/** `0-2`, `6-7 and output`, `output`. */
export function layersOf(
  { firstLayer, layerCount, hasOutput }: Pick<PlacedDevice, "firstLayer" | "layerCount" | "hasOutput">,
): string {
  const range = layerCount > 0 ? [`${firstLayer}-${firstLayer + layerCount - 1}`] : [];
  return [...range, ...(hasOutput ? ["output"] : [])].join(" and ");
}
