/** What the driver says of a GPU now. What it does not say is `undefined`. */
export interface GpuFigures {
  /** Who made it; which of ggml's backends can be meant follows from it. */
  readonly vendor: "nvidia" | "amd";
  /** The driver's own number of it, from 0. */
  readonly index: number;
  /** Tells it from all others, also after a restart: NVIDIA's UUID, AMD's unique id, or its place on the bus. */
  readonly id: string;
  /** Such as `NVIDIA GeForce RTX 3090`. */
  readonly name: string | undefined;
  /** Its own memory; `undefined` if it has none and draws from the RAM, such as NVIDIA's GB10. */
  readonly totalBytes: number | undefined;
  /** Not in use by anybody. */
  readonly freeBytes: number | undefined;
  /** Degrees Celsius. */
  readonly temperatureC: number | undefined;
  /** Share of its time that it computes, 0 to 1. */
  readonly utilisation: number | undefined;
}

/** The share of a GPU's time, 0 to 1, of the per cent that its driver says; some say more than 100. */
export function shareOf(busyPercent: number | undefined): number | undefined {
  return busyPercent === undefined ? undefined : Math.min(busyPercent / 100, 1);
}

/** The {@linkcode GpuFigures.id} of an AMD card, by the best that is known of it. */
export function amdId(index: number, uniqueId: string | undefined, bus: string | undefined): string {
  return uniqueId ?? (bus === undefined ? `amd:${index}` : `pci:${bus}`);
}

/** What the kernel says of this machine's RAM and processors. */
export interface HostFigures {
  /** All RAM that we may use: what a container's limit leaves of it. */
  readonly totalBytes: number;
  /** What can be had without swapping. */
  readonly availableBytes: number;
  /** Processors that programs see. */
  readonly cpuCount: number;
  /** Runnable tasks over the last minute; `undefined` where the kernel does not tell. */
  readonly load1m: number | undefined;
}
