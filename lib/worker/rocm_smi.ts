import * as z from "zod";
import { amdId, type GpuFigures, shareOf } from "./device_figures.ts";

/** What `rocm-smi` is asked. */
export const ROCM_SMI_ARGS: readonly string[] = [
  "--showproductname",
  "--showuniqueid",
  "--showbus",
  "--showmeminfo",
  "vram",
  "--showuse",
  "--showtemp",
  "--json",
];

const answer = z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number()])));

/** Hottest last: the edge is what tools show, and some cards have only one of them. */
const TEMPERATURES = ["edge", "junction", "memory"].map((sensor) => `temperature (sensor ${sensor}) (c)`);

/**
 * Reads the answer to {@linkcode ROCM_SMI_ARGS}. Keys differ in case between releases (`Card series`, `Card Series`);
 * a figure that is missing comes as `N/A` or not at all. Warnings before the JSON are passed over.
 *
 * @throws {RangeError} If it is no such JSON; the message repeats the first line.
 */
export function parseRocmSmi(output: string): GpuFigures[] {
  const cards = Object.entries(parseJson(output)).flatMap(([name, fields]) => {
    const [, index] = /^card(\d{1,3})$/.exec(name) ?? []; // `system` is the driver
    return index === undefined ? [] : [toFigures(Number(index), fields)];
  });
  return cards.toSorted((a, b) => a.index - b.index);
}

type Fields = Readonly<Record<string, string | number>>;

function toFigures(index: number, fields: Fields): GpuFigures {
  const lowered = new Map(Object.entries(fields).map(([key, value]) => [key.toLowerCase(), String(value)]));
  const text = (...keys: string[]) => keys.map((key) => lowered.get(key)).find((value) => !isMissing(value));
  const totalBytes = parseNumber(text("vram total memory (b)")) || undefined;
  const usedBytes = parseNumber(text("vram total used memory (b)"));
  return {
    vendor: "amd",
    index,
    id: amdId(index, text("unique id"), text("pci bus")?.toLowerCase()),
    name: text("card series", "card model", "device name"),
    totalBytes,
    freeBytes: totalBytes === undefined || usedBytes === undefined
      ? undefined
      : Math.max(0, totalBytes - usedBytes),
    temperatureC: parseNumber(text(...TEMPERATURES)),
    utilisation: shareOf(parseNumber(text("gpu use (%)"))),
  };
}

function parseJson(output: string): z.infer<typeof answer> {
  const start = output.search(/^\{/m);
  try {
    return answer.parse(JSON.parse(output.slice(Math.max(0, start))));
  } catch {
    throw new RangeError(output.trim().split("\n")[0]!.slice(0, 200) || "it printed nothing");
  }
}

/** A unique id of zero is what cards without one report. */
function isMissing(value: string | undefined): boolean {
  return value === undefined || value === "" || /^(?:n\/a|none|unknown|unsupported|0x0+)$/i.test(value);
}

function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}
