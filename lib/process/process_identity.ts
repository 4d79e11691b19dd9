/** Who a process is, as long as its host runs: a pid alone is given to somebody else later. */
export interface ProcessIdentity {
  /** Process id. */
  readonly pid: number;
  /** When it was started, in the kernel's ticks since the host was; stays the same when it executes another program. */
  readonly startTicks: number;
}

/** What the kernel tells of a process. */
export interface ProcessStat extends ProcessIdentity {
  /** Its process group: the pid of the one that leads it, or led it. */
  readonly groupId: number;
  /** False if it has ended and was not waited for. */
  readonly isAlive: boolean;
}

/**
 * Reads `/proc/PID/stat`. The name in it may hold anything, also blanks and brackets.
 *
 * @throws {RangeError} If it is cut off, or something else.
 * @see proc_pid_stat(5): fields 1 (pid), 3 (state), 5 (group) and 22 (start time)
 */
export function parseProcessStat(text: string): ProcessStat {
  const pid = /^\d+ \(/.test(text) ? Number.parseInt(text) : NaN;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // from the third on
  const [state, groupId, startTicks] = [fields[0] ?? "", Number(fields[2]), Number(fields[19])];
  const numbers = [pid, groupId, startTicks];
  if (!/^[A-Za-z]$/.test(state) || !numbers.every(Number.isSafeInteger)) {
    throw new RangeError(`Cannot read who a process is: "${text.slice(0, 80)}" is no line of /proc/PID/stat`);
  }
  return { pid, groupId, startTicks, isAlive: !/[ZXx]/.test(state) };
}

/** Whether a command line holds these words, one right after the other. */
export function hasWords(commandLine: readonly string[], words: readonly string[]): boolean {
  return commandLine.some((_, at) => words.every((word, offset) => commandLine[at + offset] === word));
}
