import { join } from "node:path";
import { amdId, type GpuFigures, shareOf } from "./device_figures.ts";
import { namesIn } from "./directory_names.ts";

/** The texts of a card's files under `/sys/class/drm/cardN/device`; `undefined` for one that is not there. */
export interface AmdgpuFiles {
  /** `mem_info_vram_total`, bytes. */
  readonly vramTotal: string | undefined;
  /** `mem_info_vram_used`, bytes. */
  readonly vramUsed: string | undefined;
  /** `gpu_busy_percent`. */
  readonly busyPercent: string | undefined;
  /** `hwmon/hwmonN/temp1_input`, thousandths of a degree Celsius. */
  readonly temperature: string | undefined;
  /** `unique_id`, sixteen hexadecimal digits; since Vega 10. */
  readonly uniqueId: string | undefined;
  /** `product_name`; few cards have one. */
  readonly productName: string | undefined;
  /** `uevent`, which says where on the bus the card is. */
  readonly uevent: string | undefined;
}

/**
 * Reads what the amdgpu driver says of one card.
 *
 * @returns `undefined` if it tells no memory: the card is another driver's.
 * @see https://docs.kernel.org/gpu/amdgpu/driver-misc.html
 */
export function parseAmdgpu(index: number, files: AmdgpuFiles): GpuFigures | undefined {
  const totalBytes = parseNumber(files.vramTotal);
  if (!totalBytes) return undefined;
  const usedBytes = parseNumber(files.vramUsed);
  const milliC = parseNumber(files.temperature);
  const bus = /^PCI_SLOT_NAME=(\S+)$/m.exec(files.uevent ?? "")?.[1];
  const uniqueId = files.uniqueId?.trim();
  return {
    vendor: "amd",
    index,
    id: amdId(index, uniqueId && !/^0*$/.test(uniqueId) ? `0x${uniqueId}` : undefined, bus),
    name: files.productName?.trim() || undefined,
    totalBytes,
    freeBytes: usedBytes === undefined ? undefined : Math.max(0, totalBytes - usedBytes),
    temperatureC: milliC === undefined ? undefined : milliC / 1_000,
    utilisation: shareOf(parseNumber(files.busyPercent)),
  };
}

/**
 * All cards of the amdgpu driver, numbered in the order of the kernel's names. None where there is no such driver.
 *
 * @param root What stands before `/sys`; a test's directory.
 */
export async function readAmdgpuSysfs(root = "/"): Promise<GpuFigures[]> {
  const directory = join(root, "sys/class/drm");
  const names = await namesIn(directory, /^card\d{1,3}$/); // without connectors, such as `card0-DP-1`
  const numbers = names.map((name) => Number(name.slice("card".length))).toSorted((a, b) => a - b);
  const files = await Promise.all(
    numbers.map((number) => readFiles(join(directory, `card${number}`, "device"))),
  );
  // A display-only chip or another vendor's card has a number, too: ours count from 0.
  return files.filter((card) => parseAmdgpu(0, card)).map((card, index) => parseAmdgpu(index, card)!);
}

async function readFiles(device: string): Promise<AmdgpuFiles> {
  const [sensor = "hwmon0"] = await namesIn(join(device, "hwmon"), /^hwmon\d+$/);
  const [vramTotal, vramUsed, busyPercent, uniqueId, productName, uevent, temperature] = await Promise.all(
    [
      "mem_info_vram_total",
      "mem_info_vram_used",
      "gpu_busy_percent",
      "unique_id",
      "product_name",
      "uevent",
      `hwmon/${sensor}/temp1_input`,
    ].map((name) => Deno.readTextFile(join(device, name)).catch(() => undefined)),
  );
  return { vramTotal, vramUsed, busyPercent, temperature, uniqueId, productName, uevent };
}

function parseNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : undefined;
}
