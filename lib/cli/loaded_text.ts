import type { CoordinatorReport } from "../coordinator_admin.ts";
import { formatBytes, formatDuration } from "../units.ts";
import type { CliHost } from "./command.ts";
import { layersOf } from "./plan_text.ts";
import { renderTable } from "./table.ts";
import { type Paint, painter, printable } from "./terminal.ts";

/**
 * That a model is ready, how long that took, and where its layers are, for a person.
 *
 * @param waitedMs For how long it was waited for; it was loaded already if it has been up for longer.
 */
export function loadedToText(
  report: CoordinatorReport,
  waitedMs: number,
  { stdout, env }: Pick<CliHost, "stdout" | "env">,
): string {
  const paint = painter(stdout, env);
  const { model, upMs = 0, placement } = report;
  const how = upMs > waitedMs
    ? `was loaded already, ${formatDuration(upMs)} ago`
    : `is loaded, in ${formatDuration(report.loadMs ?? waitedMs)}`;
  const devices = placement?.devices ?? [];
  return `${paint("good", `${printable(model)} ${how}`)}\n` +
    (devices.length > 0 ? `\n${deviceTable(devices, paint)}` : `All its layers are on the gateway's host\n`);
}

function deviceTable(
  devices: NonNullable<CoordinatorReport["placement"]>["devices"],
  paint: Paint,
): string {
  const right = { align: "right" } as const;
  return renderTable(
    [
      { title: "RPC BACKEND" },
      { title: "DEVICE" },
      { title: "LAYERS" },
      { title: "COUNT", ...right },
      { title: "WEIGHTS", ...right },
      { title: "KV CACHE", ...right },
      { title: "COMPUTE", ...right },
    ],
    devices.map((device) => [
      printable(device.endpoint),
      printable(device.deviceName ?? `${device.kind} ${device.deviceIndex}`),
      layersOf(device),
      String(device.layerCount),
      formatBytes(device.actual.weightBytes),
      formatBytes(device.actual.kvBytes),
      formatBytes(device.actual.computeBytes),
    ]),
    (cell, _column, row) => row < 0 ? paint("heading", cell) : cell,
  );
}
