import { parseProcessStat, type ProcessStat } from "./process_identity.ts";

/** Within which a pid and a start time mean one process. */
export interface PidSpace {
  /** New each time that the host starts. */
  readonly bootId: string;
  /** Each container has its own. */
  readonly pidNamespace: string;
}

/**
 * The processes of this host, as the kernel shows them. Where it does not (no Linux, or we are not permitted), there
 * are none, and no {@linkcode PidSpace} either. Synchronous, since it takes microseconds and what it tells does not last.
 */
export class ProcessTable {
  /** Reads nothing yet. @param root Where the kernel shows processes. Default: `/proc`. */
  constructor(private readonly root = "/proc") {}

  /** Ours; `undefined` where the kernel does not tell. */
  readSpace(): PidSpace | undefined {
    const bootId = attempt(() => Deno.readTextFileSync(`${this.root}/sys/kernel/random/boot_id`).trim());
    const pidNamespace = attempt(() => Deno.readLinkSync(`${this.root}/self/ns/pid`));
    return bootId && pidNamespace ? { bootId, pidNamespace } : undefined;
  }

  /** The process that has this pid now, if any. */
  read(pid: number): ProcessStat | undefined {
    return attempt(() => parseProcessStat(Deno.readTextFileSync(`${this.root}/${pid}/stat`)));
  }

  /** The processes of a group that have not ended. Reads all of the host, some ms. */
  readGroup(groupId: number): ProcessStat[] {
    const names = attempt(() => [...Deno.readDirSync(this.root)].map(({ name }) => name)) ?? [];
    const all = names.filter((name) => /^\d+$/.test(name)).map((name) => this.read(Number(name)));
    return all.filter((one) => one !== undefined).filter((one) => one.isAlive && one.groupId === groupId);
  }

  /** The program and its arguments; empty if it has ended or is none of ours. */
  readCommandLine(pid: number): string[] {
    const text = attempt(() => Deno.readTextFileSync(`${this.root}/${pid}/cmdline`));
    return text ? text.replace(/\0$/, "").split("\0") : [];
  }
}

/** Processes come and go, and some are hidden: what cannot be read is not there. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
