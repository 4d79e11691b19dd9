import type { RunningProcess, RunningStore } from "../store/running_store.ts";
import type { ChildProcess } from "./child.ts";
import { ProcessTable } from "./process_table.ts";

/** What makes a process recognizable, beside its pid and start time. */
export interface RecordedCommand {
  /** Name of the model that it loads, for people. */
  readonly model: string;
  /** Words of its command line, one right after the other, at least one; no secrets: they are kept in a file. */
  readonly words: readonly string[];
}

/**
 * Remembers children where it outlives us, for as long as they run: who is killed cannot stop them, but the next one
 * can, see {@linkcode stopLeftovers}.
 */
export class ProcessRecorder {
  /** The store, which stays the caller's, must outlive the children. */
  constructor(
    private readonly store: RunningStore,
    private readonly processes: ProcessTable = new ProcessTable(),
  ) {}

  /**
   * Records a child; call it right after the child was started, before anything is awaited. The record goes when the
   * child and its group are gone. Where processes cannot be told apart nothing is recorded.
   *
   * @returns Whether it was recorded so that it outlives us.
   */
  record(child: Pick<ChildProcess, "pid" | "exited">, command: RecordedCommand): boolean {
    const process = this.#describe(child.pid, command);
    if (!process) return false;
    const isKept = this.store.put(process);
    void child.exited.then(() => this.store.remove(process));
    return isKept;
  }

  #describe(pid: number, { model, words }: RecordedCommand): RunningProcess | undefined {
    const space = this.processes.readSpace();
    const [child, owner] = [this.processes.read(pid), this.processes.read(Deno.pid)];
    if (!space || !child || !owner) return undefined;
    const { startTicks } = child;
    return {
      pid,
      startTicks,
      ...space,
      words,
      model,
      ownerPid: owner.pid,
      ownerStartTicks: owner.startTicks,
    };
  }
}
