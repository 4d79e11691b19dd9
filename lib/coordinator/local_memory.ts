import type { HostMemory } from "../planner/place_whole.ts";
import { run } from "../process/run.ts";
import { readAvailableMemory } from "../registry/host_memory.ts";
import { isCpuDevice, parseDeviceList } from "../llama_cpp/ggml_devices.ts";
import { coordinatorEnvironment } from "./launch.ts";

/** How long llama-server may take to list its devices, ms: a GPU's driver may have to be loaded first. */
const LIST_TIMEOUT_MS = 10_000;
const KIB = 1024;

/** Reads what a llama-server could use of this host now: its RAM first, then its GPUs. @throws The signal's reason. */
export type ReadLocalMemory = (program: string, signal: AbortSignal) => Promise<readonly HostMemory[]>;

/** Reads how much of this host's RAM would be free again if a process ended, bytes; 0 if nobody tells. */
export type ReadHeldMemory = (pid: number) => Promise<number>;

/**
 * What a llama-server could use of this host now: what the kernel has available, and the GPUs that llama-server itself
 * lists. Empty where the kernel does not say.
 *
 * @throws The signal's reason.
 */
export async function readLocalMemory(program: string, signal: AbortSignal): Promise<readonly HostMemory[]> {
  const freeBytes = await readAvailableMemory();
  if (freeBytes === undefined) return [];
  return [{ name: "CPU", freeBytes }, ...await readOwnDevices(program, signal)];
}

/** The GPUs that a llama-server would use by itself; none if it does not tell. */
async function readOwnDevices(program: string, signal: AbortSignal): Promise<readonly HostMemory[]> {
  const env = coordinatorEnvironment(Deno.env.toObject(), {});
  try {
    const { stdout } = await run(program, ["--list-devices"], { env, signal, timeoutMs: LIST_TIMEOUT_MS });
    return parseDeviceList(stdout).filter((device) => !isCpuDevice(device));
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/** What would be free again if a process ended; see {@linkcode ReadHeldMemory}. */
export async function readHeldMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return parseHeldMemory(status);
}

/**
 * What only its process can give back, by the text of `/proc/PID/status`, bytes. Weights that are mapped from their file
 * count as available already, unless they are locked.
 *
 * @see proc_pid_status(5): RssAnon, RssShmem, RssFile, VmLck
 */
export function parseHeldMemory(status: string): number {
  const bytesOf = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * KIB;
  return bytesOf("RssAnon") + bytesOf("RssShmem") + Math.min(bytesOf("VmLck"), bytesOf("RssFile"));
}
