import { type Clock, systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { RunningProcess } from "../store/running_store.ts";
import { formatDuration } from "../units.ts";
import { hasWords } from "./process_identity.ts";
import { ProcessTable } from "./process_table.ts";

/** What {@linkcode stopLeftovers} needs of the world. */
export interface LeftoverOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Hears what was done. */
  readonly logger: Logger;
  /** Times the stops. Default: the host's. */
  readonly clock?: Clock;
  /** Default: those of the host. */
  readonly processes?: ProcessTable;
  /** For how long SIGTERM may be obeyed, ms. Default 2 s. */
  readonly graceMs?: number;
}

/** What became of a process that was recorded. */
export interface LeftoverOutcome {
  /** As it was recorded. */
  readonly process: RunningProcess;
  /** Whether nothing of it is left: its record can go. */
  readonly isGone: boolean;
  /** What was found or done, one sentence for a person. */
  readonly because: string;
}

/** What a record is worth now: the process runs, is about to end, has ended, or is nothing that we may touch. */
interface Finding {
  readonly kind: "running" | "ending" | "gone" | "not ours";
  readonly because: string;
}

const GRACE_MS = 2_000;
/** A process in the middle of a read from a dead disk does not even die of SIGKILL. */
const DEATH_MS = 5_000;
const LOOK_EVERY_MS = 20;

/**
 * Stops processes that gateways before us have left behind: SIGTERM to the group, then SIGKILL.
 *
 * A process is touched only if the gateway that started it is gone, its group was started when the record says, on this
 * start of the host, and the words of the record are on the command line of one in that group. Both signals are
 * preceded by this examination.
 *
 * @returns What became of each, in their order.
 * @throws The signal's reason, if it aborted while a process was given time to end.
 */
export async function stopLeftovers(
  records: readonly RunningProcess[],
  options: LeftoverOptions,
): Promise<readonly LeftoverOutcome[]> {
  return await Promise.all(records.map((process) => new Leftover(process, options).stop()));
}

class Leftover {
  readonly #clock: Clock;
  readonly #table: ProcessTable;
  readonly #name: string;

  constructor(private readonly process: RunningProcess, private readonly options: LeftoverOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#table = options.processes ?? new ProcessTable();
    this.#name = `the coordinator of "${process.model}" (pid ${process.pid})`;
  }

  async stop(): Promise<LeftoverOutcome> {
    const { process } = this;
    const { kind, because } = await this.#stopIfRunning();
    this.#tell(kind, because);
    return { process, isGone: kind === "gone", because };
  }

  #tell(kind: Finding["kind"], because: string): void {
    const { process: { model, pid }, options: { logger } } = this;
    const fields = { model, pid, because };
    if (kind === "running" || kind === "ending") logger.warn("left-over process cannot be stopped", fields);
    else if (kind === "gone") logger.info("left-over process gone", fields);
    else logger.info("recorded process left alone", fields);
  }

  async #stopIfRunning(): Promise<Finding> {
    const finding = this.#examine();
    if (!isLeft(finding)) return finding;
    try {
      return await this.#stop();
    } catch (error) {
      this.options.signal.throwIfAborted();
      return { kind: "running", because: `cannot stop ${this.#name}: ${messageOf(error)}; stop it by hand` };
    }
  }

  async #stop(): Promise<Finding> {
    const { graceMs = GRACE_MS } = this.options;
    const left = "left by a gateway that was killed";
    if (await this.#endsOf("SIGTERM", graceMs)) {
      return { kind: "gone", because: `stopped ${this.#name}, ${left}` };
    }
    const ignored = `it ignored SIGTERM for ${formatDuration(graceMs)}`;
    if (await this.#endsOf("SIGKILL", DEATH_MS)) {
      return { kind: "gone", because: `killed ${this.#name}, ${left}: ${ignored}` };
    }
    const because = `${this.#name} survives SIGKILL: the kernel holds it; restart the host to be rid of it`;
    return { kind: "running", because };
  }

  /** Signals the group and waits for its end. @returns Whether nothing of it is left. @throws If we may not signal it. */
  async #endsOf(name: Deno.Signal, withinMs: number): Promise<boolean> {
    const deadlineMs = this.#clock.monotonic() + withinMs;
    if (this.#examine().kind === "running") signalGroup(this.process.pid, name);
    while (isLeft(this.#examine())) {
      if (this.#clock.monotonic() >= deadlineMs) return false;
      await this.#clock.sleep(LOOK_EVERY_MS, { signal: this.options.signal });
    }
    return true;
  }

  #examine(): Finding {
    const { bootId, pidNamespace, pid, startTicks, words } = this.process;
    const space = this.#table.readSpace();
    if (!space) return this.#leave("/proc cannot be read, so nobody can tell whether it runs");
    if (space.bootId !== bootId) return this.#ended("the host was started again since");
    if (space.pidNamespace !== pidNamespace) return this.#leave("it belongs to another container");
    if (this.#hasOwner()) {
      return this.#leave(`the gateway that started it (pid ${this.process.ownerPid}) runs`);
    }
    const leader = this.#table.read(pid);
    if (leader && leader.startTicks !== startTicks) {
      return this.#ended("its pid is that of another process now");
    }
    // the group outlives its leader where that is a script, and no new process can get its id meanwhile
    const members = this.#table.readGroup(pid).filter((member) => member.startTicks >= startTicks);
    if (members.length === 0) return this.#ended("nothing of it is left");
    const commandLines = members.map((member) => this.#table.readCommandLine(member.pid));
    if (commandLines.some((commandLine) => hasWords(commandLine, words))) {
      return { kind: "running", because: `${this.#name} runs` };
    }
    // the kernel takes the command line of a dying process first, and only then the process
    if (commandLines.every((commandLine) => commandLine.length === 0)) {
      return { kind: "ending", because: `${this.#name} is about to end` };
    }
    return this.#ended("what has its pid now runs another program");
  }

  #hasOwner(): boolean {
    const owner = this.#table.read(this.process.ownerPid);
    return owner !== undefined && owner.isAlive && owner.startTicks === this.process.ownerStartTicks;
  }

  #ended(why: string): Finding {
    return { kind: "gone", because: `${this.#name} has ended: ${why}` };
  }

  #leave(why: string): Finding {
    return { kind: "not ours", because: `${this.#name} is left alone: ${why}` };
  }
}

/** Whether there is something of the process to wait for. */
function isLeft({ kind }: Finding): boolean {
  return kind === "running" || kind === "ending";
}

function signalGroup(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(-pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has just ended
  }
}
