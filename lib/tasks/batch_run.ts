import { setImmediate as untilNextTurn } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { errorBody } from "../dialects/openai.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { isSuccess } from "./answer_verdict.ts";
import { askTask } from "./ask_task.ts";
import type { Batch, BatchEndpoint, SendTask, TaskAnswer } from "./batch.ts";
import type { FileFolder } from "./file_folder.ts";
import { decodeInputLine, InputLineError } from "./input_line.ts";
import type { LaneSource } from "./lanes.ts";
import { answeredLine } from "./output_line.ts";
import { PendingTasks } from "./pending_tasks.ts";
import { readPart } from "./read_input.ts";
import type { ResultWriter } from "./result_writer.ts";
import { type Attempt, TaskQueue } from "./task_queue.ts";
import type { Task, TaskStore } from "./task_store.ts";
import { Turns } from "./turns.ts";

/** What {@linkcode BatchRun} needs. */
export interface BatchRunOptions {
  /** Sends one request. */
  readonly send: SendTask;
  /** Where the input is. */
  readonly folder: FileFolder;
  /** Its tasks. */
  readonly tasks: TaskStore;
  /** Takes the results. */
  readonly writer: ResultWriter;
  /** Hears of trouble with the disk, and of what nobody foresaw. */
  readonly logger: Logger;
  /** For pauses. */
  readonly clock: Clock;
  /** How often a task that failed is asked again. */
  readonly retryCount: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A name that no other thing has, of letters and digits. */
  readonly randomId: () => string;
  /** Hears that the run {@linkcode BatchRun.isOver}; maybe more than once. */
  readonly onOver: () => void;
}

/** A batch whose tasks are asked: those that have no result yet. */
export class BatchRun implements LaneSource {
  readonly #batch: Batch;
  readonly #options: BatchRunOptions;
  readonly #queues: Turns<TaskQueue<Task>>;
  /** One for each request: a signal that outlived many would gather what these hang on it. */
  readonly #underWay = new Set<AbortController>();
  #abortReason: Error | undefined;
  #unkeptCount = 0;
  #isEnding = false;

  private constructor(
    batch: Batch,
    { queueCount, ...options }: BatchRunOptions & { readonly queueCount: number },
  ) {
    this.#batch = batch;
    this.#options = options;
    this.#queues = new Turns(Array.from({ length: queueCount }, (_, queue) => this.#queue(queue)));
  }

  /** Asks nothing before {@linkcode begin}. @returns `undefined` if its tasks cannot be read now. */
  static of(batch: Batch, options: BatchRunOptions): BatchRun | undefined {
    const queueCount = options.tasks.queueCount(batch.id);
    return queueCount === undefined ? undefined : new BatchRun(batch, { ...options, queueCount });
  }

  /** Whether nothing is under way and nothing more begins; all results are kept. */
  get isOver(): boolean {
    const queues = [...this.#queues];
    const isIdle = this.#unkeptCount === 0 && queues.every(({ underWayCount }) => underWayCount === 0);
    return isIdle && (this.#isEnding || queues.every(({ isDone }) => isDone));
  }

  /** When a task that waits may be asked, monotonic ms; `Infinity` if none waits. */
  get dueAtMs(): number {
    return this.#isEnding ? Infinity : Math.min(...[...this.#queues].map(({ dueAtMs }) => dueAtMs));
  }

  /** Begins nothing more; what is under way is finished. */
  finish(): void {
    this.#isEnding = true;
  }

  /** Begins nothing more, and gives up what is under way. */
  abort(reason: Error): void {
    this.#isEnding = true;
    this.#abortReason = reason;
    for (const controller of this.#underWay) controller.abort(reason);
  }

  /** Hears that this many of its results are kept. */
  onKept(count: number): void {
    this.#unkeptCount -= count;
    if (this.isOver) this.#options.onOver();
  }

  /** Asks one more task, if one may be asked now. What it returns resolves when that is over, and never rejects. */
  begin(nowMs: number): Promise<void> | undefined {
    if (this.#isEnding || this.#options.writer.isRefused) return undefined;
    return this.#queues.take((queue) => {
      const attempt = queue.take(nowMs);
      return attempt && this.#run(queue, attempt);
    });
  }

  async #run(queue: TaskQueue<Task>, attempt: Attempt<Task>): Promise<void> {
    await this.#handle(queue, attempt);
    if (this.isOver) this.#options.onOver();
  }

  #queue(queue: number): TaskQueue<Task> {
    const { tasks, retryCount, random } = this.#options;
    const supply = new PendingTasks(tasks, { batchId: this.#batch.id, queue });
    return new TaskQueue({ supply, retryCount, random });
  }

  async #handle(queue: TaskQueue<Task>, attempt: Attempt<Task>): Promise<void> {
    const { task } = attempt;
    const { clock, randomId } = this.#options;
    const requestId = `batch_req_${randomId()}`;
    const line = await this.#readLine(task, requestId);
    if (line === undefined) return queue.postpone(attempt, clock.monotonic(), undefined);

    const answer = line instanceof Uint8Array ? await this.#ask(line, { requestId, task }) : line;
    if (answer === undefined) return queue.giveBack(attempt);
    if (!queue.settle(attempt, answer, clock.monotonic())) return;
    this.#keep(task, isSuccess(answer), answeredLine({ requestId, customId: task.customId }, answer));
  }

  /** The line; or, if it will never be there again, the answer; `undefined` if it cannot be read for now. */
  async #readLine(task: Task, requestId: string): Promise<Uint8Array | TaskAnswer | undefined> {
    const { folder, logger } = this.#options;
    const { id, inputFileId } = this.#batch;
    try {
      return await readPart(folder, inputFileId, task);
    } catch (reason) {
      const answer = answerToLost(reason, task.number, requestId);
      if (answer) {
        await untilNextTurn(); // no disk was waited for: a million such lines would hold up all others
        return answer;
      }
      const { number: line } = task;
      logger.warn("input of a batch cannot be read", { batch: id, file: inputFileId, line, reason });
      return undefined;
    }
  }

  async #ask(
    line: Uint8Array,
    { requestId: id, task }: { readonly requestId: string; readonly task: Task },
  ): Promise<TaskAnswer | undefined> {
    const { endpoint, owner } = this.#batch;
    const body = bodyOf(line, endpoint);
    if (body === undefined) return refusal(changedInput(task.number), id);
    if (this.#abortReason) return undefined;
    const controller = new AbortController();
    this.#underWay.add(controller);
    const answer = await askTask({ endpoint, body, id, owner, signal: controller.signal }, this.#options);
    this.#underWay.delete(controller);
    return answer;
  }

  #keep(task: Task, isSuccess: boolean, outputLine: string): void {
    this.#unkeptCount++;
    this.#options.writer.add({ batchId: this.#batch.id, number: task.number, isSuccess, outputLine });
  }
}

function bodyOf(line: Uint8Array, endpoint: BatchEndpoint): Uint8Array<ArrayBuffer> | undefined {
  try {
    return decodeInputLine(line, endpoint)?.body;
  } catch (error) {
    if (error instanceof InputLineError) return undefined;
    throw error;
  }
}

/** @returns `undefined` if the disk may give the line another time. */
function answerToLost(reason: unknown, line: number, requestId: string): TaskAnswer | undefined {
  if (reason instanceof RangeError) return refusal(changedInput(line), requestId);
  const isGone = reason instanceof GatewayError && reason.code === "not_found";
  return isGone ? refusal(reason, requestId) : undefined;
}

function changedInput(line: number): GatewayError {
  const message = `Line ${line} of the input is not what it was when the batch began; send the batch again`;
  return new GatewayError("invalid_request", message);
}

function refusal(error: GatewayError, requestId: string): TaskAnswer {
  return { status: error.status, body: errorBody(error, requestId), retryAfterSeconds: undefined };
}
