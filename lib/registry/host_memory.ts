/** Reads how much memory this host could still give, bytes; `undefined` if its kernel does not say. */
export type ReadHostMemory = () => Promise<number | undefined>;

/** `MemAvailable` of Linux; `undefined` elsewhere. */
export async function readAvailableMemory(): Promise<number | undefined> {
  try {
    return parseAvailableMemory(await Deno.readTextFile("/proc/meminfo"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/**
 * Finds `MemAvailable` in the text of `/proc/meminfo`, bytes.
 *
 * @see proc_meminfo(5): what is free, and what the kernel can take back without swapping; kibibytes, written `kB`
 */
export function parseAvailableMemory(meminfo: string): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
