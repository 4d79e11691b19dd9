import type { ReportedDevice } from "../rpc/worker_report.ts";
import type { GpuFigures, HostFigures } from "./device_figures.ts";
import { type GgmlDevice, isCpuDevice } from "../llama_cpp/ggml_devices.ts";

/** What is known of the machine beside what its rpc servers say. */
export interface MachineFigures {
  /** RAM and processors. */
  readonly host: HostFigures;
  /** GPUs that the rpc servers may see, in the order of their driver; see {@linkcode visibleGpus}. */
  readonly gpus: readonly GpuFigures[];
}

/** Key of the memory that the processor, and GPUs without memory of their own, draw from. */
const RAM_KEY = "ram";

/** By how much a device may claim more than its driver before it must be drawing from the RAM, too. */
const OWN_MEMORY_TOLERANCE = 1.25;

/** A device of an rpc server with what is truly free there: its server says that once, and a CPU's never. */
export function toReportedDevice(device: GgmlDevice, { host, gpus }: MachineFigures): ReportedDevice {
  const labels = { name: device.name, ...(device.description && { description: device.description }) };
  if (isCpuDevice(device)) return { ...labels, kind: "cpu", ...ramOf(host.totalBytes, host) };
  const figures = figuresOf(device, gpus);
  return { ...labels, kind: "gpu", ...memoryOf(device, figures, host), ...sensorsOf(figures) };
}

/**
 * The GPUs that a program with such a `CUDA_VISIBLE_DEVICES` or `HIP_VISIBLE_DEVICES` sees, in its order.
 *
 * @param visible Numbers or the beginnings of UUIDs, with commas between; what follows an invalid one is hidden, as
 * the drivers do it. `undefined` hides nothing.
 */
export function visibleGpus(gpus: readonly GpuFigures[], visible: string | undefined): readonly GpuFigures[] {
  if (visible === undefined) return gpus;
  const chosen: GpuFigures[] = [];
  for (const word of visible.split(",").map((part) => part.trim())) {
    const gpu = gpus.find(({ index, id }) =>
      /^\d+$/.test(word) ? index === Number(word) : word && id.startsWith(word)
    );
    if (!gpu || chosen.includes(gpu)) break;
    chosen.push(gpu);
  }
  return chosen;
}

type Memory = Pick<ReportedDevice, "total_bytes" | "free_bytes" | "memory_key">;

function memoryOf(device: GgmlDevice, figures: GpuFigures | undefined, host: HostFigures): Memory {
  if (!figures) {
    return { total_bytes: device.totalBytes, free_bytes: device.freeBytes, memory_key: `gpu:${device.name}` };
  }
  const { totalBytes } = figures;
  const isOwn = totalBytes !== undefined && device.totalBytes <= totalBytes * OWN_MEMORY_TOLERANCE;
  if (!isOwn) return ramOf(device.totalBytes, host);
  const total = Math.min(totalBytes, device.totalBytes); // a MIG slice is less than its GPU
  return {
    total_bytes: total,
    free_bytes: Math.min(figures.freeBytes ?? device.freeBytes, total),
    memory_key: figures.id.slice(0, 200),
  };
}

function ramOf(totalBytes: number, host: HostFigures): Memory {
  return {
    total_bytes: totalBytes,
    free_bytes: Math.min(host.availableBytes, totalBytes),
    memory_key: RAM_KEY,
  };
}

function sensorsOf(figures: GpuFigures | undefined): Pick<ReportedDevice, "temperature_c" | "utilisation"> {
  const { temperatureC, utilisation } = figures ?? {};
  return {
    ...(temperatureC !== undefined && temperatureC <= 250 && { temperature_c: temperatureC }),
    ...(utilisation !== undefined && { utilisation }),
  };
}

/**
 * The driver's figures of a device: those of its number where both count alike, and otherwise of its name.
 * CUDA counts as nvidia-smi does because our rpc servers run in {@linkcode COUNT_LIKE_DRIVER}.
 */
function figuresOf(device: GgmlDevice, gpus: readonly GpuFigures[]): GpuFigures | undefined {
  const number = Number(/\d+$/.exec(device.name)?.[0] ?? 0);
  const sameVendor = gpus.filter(({ vendor }) => vendor === vendorOf(device));
  const atNumber = sameVendor[number];
  if (atNumber && countsLikeDriver(device) && hasSameName(device, atNumber)) return atNumber;
  const sameName = sameVendor.filter((gpu) => hasSameName(device, gpu));
  return sameName.length > 1 ? sameName[number] : sameName[0];
}

function countsLikeDriver({ name }: GgmlDevice): boolean {
  return /^(?:CUDA|ROCm|HIP)\d/.test(name);
}

function vendorOf({ name, description }: GgmlDevice): GpuFigures["vendor"] | undefined {
  if (/^CUDA/.test(name)) return "nvidia";
  if (/^(?:ROCm|HIP)/.test(name)) return "amd";
  if (/nvidia|geforce|quadro|tesla/i.test(description)) return "nvidia";
  return /\bamd\b|radeon|instinct/i.test(description) ? "amd" : undefined;
}

/** Driver and ggml write the same card a little differently: `Radeon RX 7900 XT`, `AMD Radeon RX 7900 XT (RADV NAVI31)`. */
function hasSameName({ description }: GgmlDevice, { name }: GpuFigures): boolean {
  if (name === undefined) return true;
  const [ours, theirs] = [description, name].map(plainName) as [string, string];
  return ours !== "" && theirs !== "" &&
    (ours === theirs || ours.startsWith(theirs) || theirs.startsWith(ours));
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/\([^)]*\)|\b(?:nvidia|amd|graphics)\b/g, " ").replaceAll(/\s+/g, " ")
    .trim();
}
