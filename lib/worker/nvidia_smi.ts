import { MIB } from "../units.ts";
import { type GpuFigures, shareOf } from "./device_figures.ts";

/** What `nvidia-smi` is asked, in the order that {@linkcode parseNvidiaSmi} expects. */
export const NVIDIA_SMI_ARGS: readonly string[] = [
  "--query-gpu=index,uuid,name,memory.total,memory.free,utilization.gpu,temperature.gpu",
  "--format=csv,noheader,nounits",
];

const FIELD_COUNT = 7;

/**
 * Reads the answer to {@linkcode NVIDIA_SMI_ARGS}: a line for each GPU, sizes in MiB. A figure that the driver does
 * not have comes as `[N/A]`, `[Not Supported]`, `[Unknown Error]` or the like; a GPU without memory of its own has
 * none. Lines that are no GPU, such as warnings, are passed over.
 *
 * @throws {RangeError} If there is text and no line of it is a GPU; the message repeats the first line, which says
 * why: the tool writes its errors to stdout.
 */
export function parseNvidiaSmi(output: string): GpuFigures[] {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const gpus = lines.map(parseLine).filter((gpu) => gpu !== undefined);
  if (gpus.length === 0 && lines.length > 0) throw new RangeError(lines[0]!.slice(0, 200));
  return gpus;
}

function parseLine(line: string): GpuFigures | undefined {
  const fields = line.split(/,\s*/);
  if (fields.length < FIELD_COUNT || !/^\d{1,3}$/.test(fields[0]!)) return undefined;
  // The name is what a comma may be in.
  const [index, id, ...rest] = fields;
  const [total, free, busy, temperature] = rest.slice(-4).map(parseNumber);
  const totalBytes = total === undefined || total <= 0 ? undefined : total * MIB;
  return {
    vendor: "nvidia",
    index: Number(index),
    id: /^(?:GPU|MIG)-\S+$/.test(id!) ? id! : `nvidia:${index}`,
    name: rest.slice(0, -4).join(", ") || undefined,
    totalBytes,
    freeBytes: totalBytes === undefined || free === undefined ? undefined : Math.min(free * MIB, totalBytes),
    temperatureC: temperature,
    utilisation: shareOf(busy),
  };
}

function parseNumber(text: string): number | undefined {
  return /^\d{1,9}(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}
