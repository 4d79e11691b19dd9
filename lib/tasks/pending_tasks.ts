import type { Task, TaskStore } from "./task_store.ts";
import type { TaskSupply } from "./task_queue.ts";

/** How many tasks are read at a time. */
const PAGE_COUNT = 256;

/** The tasks of a batch's queue that have no result, in the order of their lines. */
export class PendingTasks implements TaskSupply<Task> {
  readonly #tasks: TaskStore;
  readonly #batchId: string;
  readonly #queue: number;
  #page: Task[] = [];
  #after = 0;
  #isRead = false;

  /** From the first one on. */
  constructor(tasks: TaskStore, { batchId, queue }: { readonly batchId: string; readonly queue: number }) {
    this.#tasks = tasks;
    this.#batchId = batchId;
    this.#queue = queue;
    this.#read();
  }

  /** Whether all were taken. */
  get isEmpty(): boolean {
    return this.#isRead && this.#page.length === 0;
  }

  /** The next one; `undefined` if there is none, or it cannot be read now. */
  take(): Task | undefined {
    if (this.#page.length === 0 && !this.#isRead) this.#read();
    const task = this.#page.shift();
    if (this.#page.length === 0 && !this.#isRead) this.#read(); // so that it is known whether this was the last
    return task;
  }

  /** What cannot be read now is read another time. */
  #read(): void {
    const range = { queue: this.#queue, after: this.#after, limit: PAGE_COUNT };
    const page = this.#tasks.pending(this.#batchId, range);
    if (page === undefined) return;
    this.#page = page;
    this.#after = page.at(-1)?.number ?? this.#after;
    this.#isRead = page.length < PAGE_COUNT;
  }
}
