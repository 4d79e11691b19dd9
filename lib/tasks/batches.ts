import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../log.ts";
import type { Batch, BatchService, Page, SendTask, StoredFile, TaskAnswer } from "./batch.ts";

/** What {@linkcode Batches} needs. */
export interface BatchesOptions {
  /** The config in force; read at each use. */
  readonly config: Pick<Config, "batch" | "stateDir">;
  /** Sends one request through the gateway. */
  readonly send: SendTask;
  /** Hears of each batch that begins or ends, and of trouble with the disk. */
  readonly logger: Logger;
  /** Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for the jitter of pauses. Default: `Math.random`. */
  readonly random?: () => number;
  /** A name that no other thing has, of letters and digits. Default: a random UUID without dashes. */
  readonly randomId?: () => string;
}

/** The batches of this gateway, kept in its state directory: what was begun goes on by itself. Dispose it before what it sends with. */
export class Batches implements BatchService, AsyncDisposable {
  private constructor(_options: BatchesOptions) {}

  /** Opens the state directory, and goes on with what was begun there. */
  static open(options: BatchesOptions): Batches {
    return new Batches(options);
  }

  /** @inheritdoc */
  addFile(_name: string, _content: ReadableStream<Uint8Array>): Promise<StoredFile> {
    throw new Error("not yet");
  }
  listFiles(_options: { readonly limit: number; readonly after?: string | undefined }): Page<StoredFile> {
    throw new Error("not yet");
  }
  getFile(_id: string): StoredFile {
    throw new Error("not yet");
  }
  readFile(_id: string): ReadableStream<Uint8Array> {
    throw new Error("not yet");
  }
  removeFile(_id: string): void {
    throw new Error("not yet");
  }
  createBatch(_options: Parameters<BatchService["createBatch"]>[0]): Batch {
    throw new Error("not yet");
  }
  listBatches(_options: { readonly limit: number; readonly after?: string | undefined }): Page<Batch> {
    throw new Error("not yet");
  }
  getBatch(_id: string): Batch {
    throw new Error("not yet");
  }
  cancelBatch(_id: string): Batch {
    throw new Error("not yet");
  }
  runNow(
    _requests: Parameters<BatchService["runNow"]>[0],
    _options: { readonly id: string; readonly signal: AbortSignal },
  ): AsyncIterable<{ readonly index: number; readonly answer: TaskAnswer }> {
    throw new Error("not yet");
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
