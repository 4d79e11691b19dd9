import { GatewayError } from "../../lib/errors.ts";
import type { Batch, BatchService, FileQuery, Page, StoredFile, TaskAnswer } from "../../lib/tasks/batch.ts";

type NewBatch = Parameters<BatchService["createBatch"]>[0];
type NowRequests = Parameters<BatchService["runNow"]>[0];
type NowOptions = Parameters<BatchService["runNow"]>[1];

/** Keeps files and batches in memory. No batch runs: the test says how each is. */
export class FakeBatchService implements BatchService {
  /** By id. */
  readonly files = new Map<
    string,
    { readonly file: StoredFile; readonly content: Uint8Array<ArrayBuffer> }
  >();
  /** By id. */
  readonly batches = new Map<string, Batch>();
  /** The largest file that it keeps. */
  maxFileBytes = Infinity;
  /** Files that were begun and not kept. */
  brokenCount = 0;
  /** Files that were begun. */
  begunCount = 0;
  /** When all happens, ms since 1970. */
  nowMs = Date.UTC(2026, 0, 2);
  /** Answers what is run at once, after each other. */
  answer: (
    body: Record<string, unknown>,
    index: number,
    signal: AbortSignal,
  ) => Promise<Partial<TaskAnswer>> = () => Promise.resolve({});
  #count = 0;

  async addFile(name: string, content: ReadableStream<Uint8Array>): Promise<StoredFile> {
    this.begunCount++;
    try {
      return this.keep(name, await this.#read(content));
    } catch (error) {
      this.brokenCount++;
      throw error;
    }
  }

  /** A file that is there. */
  keep(name: string, content: Uint8Array<ArrayBuffer>, purpose: StoredFile["purpose"] = "batch"): StoredFile {
    const id = `file-${++this.#count}`;
    const file: StoredFile = { id, name, purpose, sizeBytes: content.length, createdAtMs: this.nowMs };
    this.files.set(id, { file, content });
    return file;
  }

  listFiles({ purpose, ...options }: FileQuery): Page<StoredFile> {
    const files = [...this.files.values()].map(({ file }) => file);
    return pageOf(files.filter((file) => purpose === undefined || file.purpose === purpose), options);
  }

  getFile(id: string): StoredFile {
    return this.#stored(id).file;
  }

  readFile(id: string): ReadableStream<Uint8Array> {
    return new Blob([this.#stored(id).content]).stream();
  }

  removeFile(id: string): void {
    this.#stored(id);
    const isRead = [...this.batches.values()].some((batch) => batch.inputFileId === id && !batch.endedAtMs);
    if (isRead) throw new GatewayError("conflict", `Cannot remove file "${id}": a batch that runs reads it`);
    this.files.delete(id);
  }

  createBatch({ inputFileId, endpoint, completionWindow, metadata }: NewBatch): Batch {
    this.getFile(inputFileId);
    const batch: Batch = {
      ...{ id: `batch_${++this.#count}`, endpoint, inputFileId, completionWindow, status: "validating" },
      ...{ mistakes: [], outputFileId: undefined, errorFileId: undefined, metadata },
      counts: { total: 0, completed: 0, failed: 0 },
      createdAtMs: this.nowMs,
      expiresAtMs: this.nowMs + 24 * 3600 * 1_000,
      ...{
        startedAtMs: undefined,
        finalizingAtMs: undefined,
        endedAtMs: undefined,
        cancellingAtMs: undefined,
      },
    };
    this.batches.set(batch.id, batch);
    return batch;
  }

  /** From now on a batch is so. */
  change(id: string, change: Partial<Batch>): void {
    this.batches.set(id, { ...this.getBatch(id), ...change });
  }

  listBatches(options: { readonly limit: number; readonly after?: string | undefined }): Page<Batch> {
    return pageOf([...this.batches.values()], options);
  }

  getBatch(id: string): Batch {
    return this.batches.get(id) ?? notFound(`batch "${id}"`);
  }

  cancelBatch(id: string): Batch {
    const { status, endedAtMs } = this.getBatch(id);
    if (endedAtMs) throw new GatewayError("conflict", `Cannot cancel batch "${id}": it is ${status} already`);
    this.change(id, { status: "cancelling", cancellingAtMs: this.nowMs });
    return this.getBatch(id);
  }

  async *runNow(
    requests: NowRequests,
    { signal }: NowOptions,
  ): AsyncGenerator<{ index: number; answer: TaskAnswer }, void> {
    for (const [index, { endpoint, body }] of [...requests.entries()].reverse()) {
      const said = JSON.parse(new TextDecoder().decode(body));
      const answer = await this.answer({ endpoint, ...said }, index, signal);
      signal.throwIfAborted();
      yield {
        index,
        answer: { status: 200, body: { endpoint, ...said }, retryAfterSeconds: undefined, ...answer },
      };
    }
  }

  async #read(content: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let totalBytes = 0;
    for await (const chunk of content) {
      totalBytes += chunk.byteLength;
      if (totalBytes > this.maxFileBytes) {
        throw new GatewayError("too_large", "Cannot keep the file: it is too large");
      }
      chunks.push(new Uint8Array(chunk));
    }
    return await new Blob(chunks).bytes();
  }

  #stored(id: string) {
    return this.files.get(id) ?? notFound(`file "${id}"`);
  }
}

function notFound(what: string): never {
  throw new GatewayError("not_found", `Cannot find ${what}`);
}

function pageOf<T extends { readonly id: string }>(
  oldestFirst: readonly T[],
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Page<T> {
  const all = oldestFirst.toReversed();
  const at = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && at === 0) notFound(`"${after}"`);
  return { items: all.slice(at, at + limit), hasMore: all.length > at + limit };
}
