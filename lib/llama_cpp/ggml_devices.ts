import { parseRpcBanner } from "../llama_cpp/version.ts";
import { formatVersion } from "../rpc/protocol.ts";
import { MIB } from "../units.ts";

/** A device as an rpc server names it. */
export interface GgmlDevice {
  /** Such as `CUDA0`, `ROCm1`, `Vulkan0`, `CPU`. */
  readonly name: string;
  /** Such as `NVIDIA GeForce RTX 3090`. */
  readonly description: string;
  /** Rounded down to MiB by the server. */
  readonly totalBytes: number;
  /** At the moment that it said so; all of the RAM for a CPU. */
  readonly freeBytes: number;
}

/**
 * Part of the environment of each rpc server: with it CUDA numbers GPUs as nvidia-smi does. Its own order is the fastest
 * first.
 */
export const COUNT_LIKE_DRIVER = { CUDA_DEVICE_ORDER: "PCI_BUS_ID" } as const;

/** What an rpc server has said when it starts, as far as it came. */
export interface RpcBanner {
  /** Such as `8.0.0`. */
  readonly protocol: string | undefined;
  /** In the order of their indexes. */
  readonly devices: readonly GgmlDevice[];
  /** It has said all; the next that it does is to listen. */
  readonly isComplete: boolean;
}

/** Nothing was said yet. */
export const NO_BANNER: RpcBanner = { protocol: undefined, devices: [], isComplete: false };

/**
 * The banner after one more line of the server.
 *
 * @see `ggml_backend_rpc_start_server` in ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0
 */
export function readBannerLine(banner: RpcBanner, line: string): RpcBanner {
  if (banner.isComplete) return banner;
  const version = parseRpcBanner(line);
  if (version) return { ...NO_BANNER, protocol: formatVersion(version) };
  if (banner.protocol === undefined) return banner; // lines of loading, of the same form as a device's
  if (/^\s*transport\s+:/.test(line)) return { ...banner, isComplete: true };
  const device = parseDeviceLine(line);
  return device ? { ...banner, devices: [...banner.devices, device] } : banner;
}

/** The devices that an rpc server lists when it is asked for one that it does not have. */
export function parseDeviceList(output: string): GgmlDevice[] {
  return output.split("\n").map(parseDeviceLine).filter((device) => device !== undefined);
}

/** Whether a device computes with the processor and draws from the RAM: `BLAS` and the like do, too. */
export function isCpuDevice({ name }: Pick<GgmlDevice, "name">): boolean {
  return /^(?:CPU|BLAS|AMX|KleidiAI)/i.test(name);
}

/** `  CUDA0: NVIDIA GeForce RTX 3090 (24105 MiB, 23500 MiB free)` */
function parseDeviceLine(line: string): GgmlDevice | undefined {
  const [, name, description, total, free] =
    /^\s{2,}([\w.-]{1,64}): (.{0,200}) \((\d{1,9}) MiB, (\d{1,9}) MiB free\)$/.exec(line.trimEnd()) ?? [];
  if (name === undefined || description === undefined) return undefined;
  const totalBytes = Number(total) * MIB;
  return { name, description, totalBytes, freeBytes: Math.min(Number(free) * MIB, totalBytes) };
}
