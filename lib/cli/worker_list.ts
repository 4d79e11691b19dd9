import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { formatBytes, formatDuration } from "../units.ts";
import { renderTable } from "./table.ts";
import { type Paint, printable } from "./terminal.ts";

/** What is shown of a worker. */
export interface ListedWorker {
  /** As it calls itself. */
  readonly name: string;
  /** Since its last report, ms. */
  readonly ageMs: number;
  /** Whether it has been silent for too long. */
  readonly isLost: boolean;
  /** What it said last, as on the wire. */
  readonly report: {
    readonly is_draining: boolean;
    readonly host: {
      readonly cpu_count: number;
      readonly load_1m?: number | null | undefined;
      readonly memory_total_bytes: number;
      readonly memory_available_bytes: number;
    };
    readonly backends: readonly {
      readonly endpoint: string;
      readonly restart_count: number;
      readonly devices: readonly {
        readonly name: string;
        readonly temperature_c?: number | null | undefined;
        readonly utilisation?: number | null | undefined;
      }[];
    }[];
  };
}

const device = z.object({
  name: z.string(),
  temperature_c: z.number().nullish(),
  utilisation: z.number().nullish(),
});

/** How the gateway tells of its workers. Fields of newer versions are left out. */
export const workerListShape: JsonShape<{ readonly workers: readonly ListedWorker[] }> = z.object({
  workers: z.array(z.object({
    name: z.string(),
    ageMs: z.number(),
    isLost: z.boolean(),
    report: z.object({
      is_draining: z.boolean(),
      host: z.object({
        cpu_count: z.number(),
        load_1m: z.number().nullish(),
        memory_total_bytes: z.number(),
        memory_available_bytes: z.number(),
      }),
      backends: z.array(
        z.object({ endpoint: z.string(), restart_count: z.number(), devices: z.array(device) }),
      ),
    }),
  })),
});

/** A table of workers; empty if there are none. */
export function renderWorkers(workers: readonly ListedWorker[], paint: Paint): string {
  if (workers.length === 0) return "";
  const right = { align: "right" } as const;
  return renderTable(
    [
      { title: "WORKER" },
      { title: "STATE" },
      { title: "LOAD", ...right },
      { title: "RAM FREE", ...right },
      { title: "RAM", ...right },
      { title: "RESTARTS", ...right },
      { title: "DEVICES" },
      { title: "HEARD", ...right },
    ],
    workers.map(({ name, ageMs, isLost, report: { is_draining, host, backends } }) => [
      printable(name),
      isLost ? "lost" : is_draining ? "draining" : "up",
      host.load_1m === null || host.load_1m === undefined
        ? "-"
        : `${host.load_1m.toFixed(1)} of ${host.cpu_count}`,
      formatBytes(host.memory_available_bytes),
      formatBytes(host.memory_total_bytes),
      String(backends.reduce((sum, { restart_count }) => sum + restart_count, 0)),
      backends.flatMap(({ devices }) => devices.map(describeDevice)).join(", "),
      formatDuration(ageMs),
    ]),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === 1 ? paint(workers[row]!.isLost ? "bad" : "good", cell) : cell;
    },
  );
}

/** `CUDA0 61 °C 85 %`. */
function describeDevice(
  { name, temperature_c, utilisation }: ListedWorker["report"]["backends"][number]["devices"][number],
): string {
  return [
    printable(name),
    ...(typeof temperature_c === "number" ? [`${Math.round(temperature_c)} °C`] : []),
    ...(typeof utilisation === "number" ? [`${Math.round(utilisation * 100)} %`] : []),
  ].join(" ");
}
