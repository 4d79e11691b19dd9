import type { CoordinatorReport } from "../coordinator_admin.ts";
import { THIS_HOST } from "../registry/identity.ts";
import { formatDuration } from "../units.ts";
import { loadPercent } from "./load_text.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

const ROLES: Record<CoordinatorReport["state"], Role> = {
  ready: "good",
  starting: "doubtful",
  draining: "doubtful",
  stopped: "quiet",
  failed: "bad",
};
const STATE_COLUMN = 2;

/** A table of coordinators, and below it why those that are not ready are so, and what went wrong last. */
export function renderCoordinators(reports: readonly CoordinatorReport[], paint: Paint): string {
  const right = { align: "right" } as const;
  const table = renderTable(
    [
      { title: "MODEL" },
      { title: "ID" },
      { title: "STATE" },
      { title: "PLACEMENT" },
      { title: "SLOTS", ...right },
      { title: "WAITING", ...right },
      { title: "TOKENS/S", ...right },
      { title: "UP", ...right },
      { title: "EXPIRES IN", ...right },
      { title: "RESTARTS", ...right },
    ],
    reports.map((report) => toCells(report).map(printable)),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === STATE_COLUMN ? paint(ROLES[reports[row]!.state], cell) : cell;
    },
  );
  const remarks = reports.flatMap(remarksOn).map((remark) => `${printable(remark)}\n`);
  return remarks.length === 0 ? table : `${table}\n${remarks.join("")}`;
}

function toCells(report: CoordinatorReport): string[] {
  const { slotCount, tokensPerSecond, upMs, expiresInMs } = report;
  return [
    report.model,
    report.id,
    stateOf(report),
    placementOf(report),
    slotCount === undefined ? "-" : `${report.inFlightCount}/${slotCount}`,
    String(report.waitingCount),
    tokensPerSecond === undefined ? "-" : tokensPerSecond.toFixed(1),
    upMs === undefined ? "-" : formatDuration(upMs),
    expiresInMs === null ? "never" : expiresInMs === undefined ? "-" : formatDuration(expiresInMs),
    String(report.restartCount),
  ];
}

/** `ready`, `starting: loading 68 %`. */
function stateOf({ state, phase, progress }: CoordinatorReport): string {
  if (phase === undefined) return state;
  const step = phase === "loading" && progress ? progress.stage : phase;
  const percent = progress && step === "loading" ? loadPercent(progress) : undefined;
  return `${state}: ${step}${percent === undefined ? "" : ` ${percent}`}`;
}

/** `32 layers on 2 backends`, `2 backends`, `the gateway's host`. */
function placementOf({ placement, endpoints }: CoordinatorReport): string {
  if (!placement) return endpoints.length === 0 ? "-" : placesOf(endpoints);
  const { devices } = placement;
  if (devices.length === 0) return HERE;
  const layerCount = devices.reduce((sum, device) => sum + device.layerCount, 0);
  const places = placesOf([...new Set(devices.map(({ endpoint }) => endpoint))]);
  return `${layerCount} ${layerCount === 1 ? "layer" : "layers"} on ${places}`;
}

const HERE = "the gateway's host";

function placesOf(endpoints: readonly string[]): string {
  if (endpoints[0] === THIS_HOST) return HERE;
  return endpoints.length === 1 ? "1 backend" : `${endpoints.length} backends`;
}

function remarksOn({ model, state, because, isPinned, failures }: CoordinatorReport): string[] {
  const last = failures.at(-1);
  return [
    ...(state === "ready" ? [] : [`${model} is ${state}: ${because}`]),
    ...(isPinned ? [`${model} is pinned: it is not stopped for others, nor for being idle`] : []),
    ...(last ? [`${model} failed ${times(failures.length)}, last at ${last.at}: ${last.reason}`] : []),
  ];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
