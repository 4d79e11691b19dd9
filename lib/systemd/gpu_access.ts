import { join } from "node:path";
import type { GpuKind } from "../../systemd/service_options.ts";
import type { UnitHost } from "./unit_host.ts";

/** Whose GPUs a service is to use, and by which groups. */
export interface GpuAccess {
  /** `none` if this machine has none, as far as that can be seen. */
  readonly gpu: GpuKind;
  /** Groups that own the devices and exist here; none without a GPU. */
  readonly groups: readonly string[];
}

/** Groups to which distributions give GPUs. */
const GROUPS = ["render", "video"];

/** By the number of the vendor on the PCI bus. */
const VENDORS: Readonly<Record<string, GpuKind>> = { "0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel" };

/** Best first, where a machine has several kinds: one that computes beside one that only shows pictures. */
const PREFERENCE: readonly GpuKind[] = ["nvidia", "amd", "intel"];

/**
 * Finds this machine's GPUs by what their drivers make in `/dev` and `/sys`.
 *
 * @param wanted Asks for one kind, whatever is there; `undefined` to look.
 */
export async function findGpuAccess(
  host: UnitHost,
  { wanted, signal }: { wanted: GpuKind | undefined; signal: AbortSignal },
): Promise<GpuAccess> {
  const gpu = wanted ?? await findKind(host);
  if (gpu === "none") return { gpu, groups: [] };
  const groups: string[] = [];
  for (const group of GROUPS) {
    const { code } = await host.run("getent", ["group", group], { signal });
    if (code === 0) groups.push(group);
  }
  return { gpu, groups };
}

async function findKind(host: UnitHost): Promise<GpuKind> {
  const kinds = new Set<GpuKind | undefined>();
  if (await host.readInfo("/dev/nvidiactl")) kinds.add("nvidia");
  if (await host.readInfo("/dev/kfd")) kinds.add("amd");
  const directory = "/sys/class/drm";
  for (const name of await host.readNames(directory)) {
    if (!/^renderD\d+$/.test(name)) continue;
    const vendor = await host.readText(join(directory, name, "device/vendor"));
    const kind = VENDORS[vendor?.trim() ?? ""];
    if (kind !== "nvidia") kinds.add(kind); // nouveau's, unless the driver that computes has shown itself
  }
  return PREFERENCE.find((kind) => kinds.has(kind)) ?? "none";
}
