/** What a process holds now. */
export interface ProcessFigures {
  /** File descriptors, sockets included. */
  readonly fdCount: number;
  readonly socketCount: number;
  readonly threadCount: number;
  /** Resident memory, MiB. */
  readonly residentMib: number;
}

/** Asks the kernel. @throws If there is no such process. */
export function figuresOf(pid: number): ProcessFigures {
  const targets = [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // it was closed while we looked
    }
  });
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const numberOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    fdCount: targets.length,
    socketCount: targets.filter((target) => target.startsWith("socket:")).length,
    threadCount: numberOf("Threads"),
    residentMib: Math.round(numberOf("VmRSS") / 1_024),
  };
}
