import type { BackendHealth } from "../rpc/backend.ts";
import type { Verdict } from "../rpc/verdict.ts";
import { formatBytes } from "../units.ts";
import { type Column, renderTable } from "./table.ts";
import { type Paint, printable, type Role } from "./terminal.ts";

/** A line of a table of rpc backends. */
export interface BackendRow {
  /** What stands in its columns; may come from elsewhere. */
  readonly cells: readonly string[];
  /** What a probe or the registry says of it; is painted in the second column. */
  readonly health: Verdict | BackendHealth;
  /** Sentences that are told below the table. */
  readonly remarks: readonly string[];
}

const ROLES: Record<BackendRow["health"], Role> = {
  up: "good",
  held: "doubtful",
  unknown: "doubtful",
  mismatch: "bad",
  down: "bad",
  "not-rpc": "bad",
};

/** A table of rpc backends whose second column is their health, and below it what is to be said of them. */
export function renderBackendTable(
  columns: readonly Column[],
  rows: readonly BackendRow[],
  paint: Paint,
): string {
  const table = renderTable(
    columns,
    rows.map(({ cells }) => cells.map(printable)),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === 1 ? paint(ROLES[rows[row]!.health], cell) : cell;
    },
  );
  const remarks = rows.flatMap((row) => row.remarks).map((remark) => `${printable(remark)}\n`);
  return remarks.length === 0 ? table : `${table}\n${remarks.join("")}`;
}

/** Columns for what {@linkcode memoryCells} gives. */
export const MEMORY_COLUMNS: readonly Column[] = [
  { title: "DEVICES", align: "right" },
  { title: "FREE", align: "right" },
  { title: "TOTAL", align: "right" },
];

/** Number of devices and the sums of their memory; dashes where nothing is known. */
export function memoryCells(
  devices: readonly {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly memoryKey?: string;
  }[],
): string[] {
  if (devices.length === 0) return ["-", "-", "-"];
  const memories = [...Map.groupBy(devices, (device) => device.memoryKey ?? device).values()];
  const sum = (bytes: "freeBytes" | "totalBytes") =>
    memories.reduce((total, sharers) => total + Math.max(...sharers.map((device) => device[bytes])), 0);
  return [String(devices.length), formatBytes(sum("freeBytes")), formatBytes(sum("totalBytes"))];
}
