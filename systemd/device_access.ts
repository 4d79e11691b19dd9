import type { GpuKind, ServiceOptions } from "./service_options.ts";

/** Kinds of devices that a service may open, as `/proc/devices` calls them. Their number and when they come is open so. */
const DEVICES: Readonly<Record<Exclude<GpuKind, "none">, readonly string[]>> = {
  nvidia: ["char-nvidia*"], // nvidia, nvidiactl, nvidia-uvm, nvidia-caps; nvidia-frontend in older drivers
  amd: ["char-kfd", "char-drm"],
  intel: ["char-drm"],
};

/**
 * The lines that let a service of the system use its GPUs and no other device.
 *
 * @throws {RangeError} If a group's name is none.
 */
export function deviceLines({ gpu = "none", groups = [] }: ServiceOptions): string[] {
  return [
    ...(gpu === "none" ? ["PrivateDevices=yes"] : []),
    "DevicePolicy=closed",
    ...(gpu === "none" ? [] : DEVICES[gpu].map((device) => `DeviceAllow=${device} rw`)),
    ...(groups.length === 0 ? [] : [`SupplementaryGroups=${groups.map(checkedGroup).join(" ")}`]),
  ];
}

/**
 * Environment of a service that computes on GPUs: what their drivers compile is kept, since it takes a minute, and
 * devices are counted as `nvidia-smi` counts them.
 *
 * @param cacheName Name of its `CacheDirectory=`, with specifiers.
 */
export function gpuCacheLines({ manager, gpu = "none" }: ServiceOptions, cacheName: string): string[] {
  const order = gpu === "nvidia" ? ["Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID"] : [];
  if (gpu === "none" || manager === "user") return order; // a user has a home for that
  const cache = gpu === "nvidia" ? `CUDA_CACHE_PATH=%C/${cacheName}/cuda` : `XDG_CACHE_HOME=%C/${cacheName}`;
  return [...order, `Environment=${cache}`];
}

function checkedGroup(name: string): string {
  if (/^[a-z_][\w-]{0,31}$/i.test(name)) return name;
  throw new RangeError(`Cannot add the group ${JSON.stringify(name.slice(0, 80))}: it is no name of a group`);
}
