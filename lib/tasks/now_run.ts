import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { askTask } from "./ask_task.ts";
import type { BatchEndpoint, SendTask, TaskAnswer } from "./batch.ts";
import type { Lanes, LaneSource } from "./lanes.ts";
import { ModelQueues } from "./model_queues.ts";
import { type Attempt, TaskQueue } from "./task_queue.ts";
import { Turns } from "./turns.ts";

/** A request that is kept nowhere. */
export interface NowRequest {
  /** What it asks for. */
  readonly endpoint: BatchEndpoint;
  /** JSON. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The answer to one of several requests. */
export interface NowResult {
  /** The request's place in the list, from 0. */
  readonly index: number;
  /** Of whatever status. */
  readonly answer: TaskAnswer;
}

/** What {@linkcode runNow} needs. */
export interface NowRunOptions {
  /** Found again in the log, with the place of the request. */
  readonly id: string;
  /** Whose requests they are. */
  readonly owner?: string | undefined;
  /** How many of them may be under way at a time. Default: as many as there are lanes. */
  readonly concurrency?: number | undefined;
  /** Ends all. */
  readonly signal: AbortSignal;
  /** Where requests are under way. */
  readonly lanes: Lanes;
  /** Sends one request. */
  readonly send: SendTask;
  /** Hears of what nobody foresaw. */
  readonly logger: Logger;
  /** For pauses. */
  readonly clock: Clock;
  /** How often a request that failed is asked again. */
  readonly retryCount: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * Asks requests from the first reading on, and gives the answers as they come. Whoever reads no further ends it.
 *
 * @throws The signal's reason.
 */
export async function* runNow(
  requests: readonly NowRequest[],
  options: NowRunOptions,
): AsyncGenerator<NowResult, void> {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const run = new NowRun(requests, { ...options, signal });
  try {
    options.lanes.add(run);
    yield* run.results();
  } finally {
    options.lanes.remove(run);
    left.abort(new DOMException("Nobody reads the answers any more", "AbortError"));
  }
}

interface NowTask extends NowRequest {
  readonly index: number;
}

class NowRun implements LaneSource {
  readonly #options: NowRunOptions;
  readonly #queues: Turns<TaskQueue<NowTask>>;
  readonly #results: NowResult[] = [];
  #awaitedCount: number;
  #underWayCount = 0;
  #awake = Promise.withResolvers<void>();

  constructor(requests: readonly NowRequest[], options: NowRunOptions) {
    this.#options = options;
    this.#awaitedCount = requests.length;
    const tasks = requests.map((request, index) => ({ ...request, index }));
    const queues = new ModelQueues();
    const ofModel = Map.groupBy(tasks, ({ body }) => queues.queueOf(modelOf(body)));
    this.#queues = new Turns(
      ofModel.values().map((queue) => new TaskQueue({ supply: new TaskList(queue), ...options })),
    );
  }

  get dueAtMs(): number {
    return Math.min(...[...this.#queues].map(({ dueAtMs }) => dueAtMs));
  }

  begin(nowMs: number): Promise<void> | undefined {
    const { signal, concurrency = Infinity } = this.#options;
    if (signal.aborted || this.#underWayCount >= concurrency) return undefined;
    return this.#queues.take((queue) => {
      const attempt = queue.take(nowMs);
      return attempt && this.#run(queue, attempt);
    });
  }

  async *results(): AsyncGenerator<NowResult, void> {
    const { signal } = this.#options;
    const wake = () => this.#awake.resolve();
    signal.addEventListener("abort", wake, { once: true });
    for (; this.#awaitedCount > 0; this.#awaitedCount--) {
      yield await this.#next();
    }
    signal.removeEventListener("abort", wake);
  }

  async #next(): Promise<NowResult> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      const result = this.#results.shift();
      if (result) return result;
      await this.#awake.promise;
      this.#awake = Promise.withResolvers();
    }
  }

  async #run(queue: TaskQueue<NowTask>, attempt: Attempt<NowTask>): Promise<void> {
    const { id, owner, signal, clock } = this.#options;
    const { index, endpoint, body } = attempt.task;
    this.#underWayCount++;
    const answer = await askTask({ endpoint, body, id: `${id}-${index}`, owner, signal }, this.#options);
    this.#underWayCount--;
    if (answer === undefined) return queue.giveBack(attempt);
    if (!queue.settle(attempt, answer, clock.monotonic())) return;
    this.#results.push({ index, answer });
    this.#awake.resolve();
  }
}

class TaskList<T> {
  readonly #tasks: T[];

  constructor(tasks: readonly T[]) {
    this.#tasks = [...tasks];
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  take(): T | undefined {
    return this.#tasks.shift();
  }
}

/** A body that names none is refused by whoever is asked. */
function modelOf(body: Uint8Array): string | undefined {
  try {
    const model = JSON.parse(new TextDecoder().decode(body))?.model;
    return typeof model === "string" ? model : undefined;
  } catch {
    return undefined;
  }
}
