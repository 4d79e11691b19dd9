/**
 * The inodes of the sockets that a process has open now, as the kernel's tables name them.
 *
 * @returns None if the process is another user's or gone, or where there is no `/proc`.
 * @see proc_pid_fd(5)
 */
export async function readSocketInodes(pid: number): Promise<Set<number>> {
  const directory = `/proc/${pid}/fd`;
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    const targets = await Promise.all(
      entries.map(({ name }) => Deno.readLink(`${directory}/${name}`).catch(() => "")), // closed meanwhile
    );
    const inodes = targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
    return new Set(inodes.map(Number));
  } catch {
    return new Set();
  }
}
