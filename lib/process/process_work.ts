/** What a process has done since it was started, as the kernel counts it. */
export interface ProcessWork {
  /** CPU time of all its threads, ms; the kernel counts in steps of 10. */
  readonly cpuMs: number;
  /** Bytes that it has asked files for, and bytes that disks have brought for it, together. */
  readonly readBytes: number;
  /** How often it had to wait for a page of memory from a disk, as one that maps a file does. */
  readonly majorFaultCount: number;
  /** Whether its first thread waits for a disk at this moment. */
  readonly waitsForDisk: boolean;
}

/** `USER_HZ`, which is the same wherever Linux runs today. */
const MS_PER_TICK = 10;

/** What a process has done so far; `undefined` if it is gone or another user's, or where the kernel does not tell. */
export async function readProcessWork(pid: number): Promise<ProcessWork | undefined> {
  try {
    const texts = ["stat", "io"].map((name) => Deno.readTextFile(`/proc/${pid}/${name}`));
    const [stat = "", io = ""] = await Promise.all(texts);
    return parseProcessWork(stat, io);
  } catch {
    return undefined;
  }
}

/**
 * Reads `/proc/PID/stat` and `/proc/PID/io`.
 *
 * @throws {RangeError} If one of them is cut off, or something else.
 * @see proc_pid_stat(5): fields 3 (state), 12 (major faults), 14 and 15 (CPU time); proc_pid_io(5)
 */
export function parseProcessWork(stat: string, io: string): ProcessWork {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from the third on
  const [majorFaultCount, userTicks, systemTicks] = [fields[9], fields[11], fields[12]].map(Number);
  const [, askedBytes] = /^rchar: (\d+)$/m.exec(io) ?? [];
  const [, broughtBytes] = /^read_bytes: (\d+)$/m.exec(io) ?? [];
  const cpuMs = (userTicks! + systemTicks!) * MS_PER_TICK;
  const readBytes = Number(askedBytes) + Number(broughtBytes);
  if (![cpuMs, readBytes, majorFaultCount!].every(Number.isFinite)) {
    throw new RangeError("Cannot read what a process has done: these are no /proc/PID/stat and /proc/PID/io");
  }
  return { cpuMs, readBytes, majorFaultCount: majorFaultCount!, waitsForDisk: fields[0] === "D" };
}
