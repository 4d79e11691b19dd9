/** All that a batch may ask for, as OpenAI's Batch API names it. */
export const BATCH_ENDPOINTS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"] as const;

/** What a batch may ask for. */
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number];

/** Where a batch may be in its life, as OpenAI's Batch API names it. */
export const BATCH_STATUSES = [
  "validating",
  "failed",
  "in_progress",
  "finalizing",
  "completed",
  "expired",
  "cancelling",
  "cancelled",
] as const;

/** Where a batch is in its life. */
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** A line of the input that cannot be asked. */
export interface BatchMistake {
  /** For programs, such as `invalid_json_line`. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** From 1; `undefined` where it is the whole file's. */
  readonly line: number | undefined;
}

/** A batch of requests. Times are ms since 1970. */
export interface Batch {
  /** `batch_…`. */
  readonly id: string;
  /** What is asked for. */
  readonly endpoint: BatchEndpoint;
  /** The file of its requests. */
  readonly inputFileId: string;
  /** As its sender wrote it, such as `24h`. */
  readonly completionWindow: string;
  /** Where it is in its life. */
  readonly status: BatchStatus;
  /** Why it failed. */
  readonly mistakes: readonly BatchMistake[];
  /** Once there is one. */
  readonly outputFileId: string | undefined;
  /** Once there is one; `undefined` if no request failed. */
  readonly errorFileId: string | undefined;
  /** How many requests it has, and how many of these have an answer or an error. */
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number };
  /** Its sender's own notes. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it was made. */
  readonly createdAtMs: number;
  /** When it ends, finished or not. */
  readonly expiresAtMs: number;
  /** When its requests began. */
  readonly startedAtMs: number | undefined;
  /** When its results began to be put together. */
  readonly finalizingAtMs: number | undefined;
  /** When it was completed, failed, expired or cancelled. */
  readonly endedAtMs: number | undefined;
  /** When it was told to end early. */
  readonly cancellingAtMs: number | undefined;
  /** Whose it is, see `ownerOf`; `undefined`: nobody's who showed a key. */
  readonly owner?: string | undefined;
}

/** An uploaded file, or one that a batch wrote. */
export interface StoredFile {
  /** `file-…`. */
  readonly id: string;
  /** As its sender wrote it; for people. */
  readonly name: string;
  /** Who wrote it. */
  readonly purpose: "batch" | "batch_output";
  /** How long it is. */
  readonly sizeBytes: number;
  /** When it was made. */
  readonly createdAtMs: number;
  /** Whose it is, see `ownerOf`; `undefined`: nobody's who showed a key. */
  readonly owner?: string | undefined;
}

/** One request of a batch, as it is sent through the gateway. */
export interface TaskRequest {
  /** What is asked for. */
  readonly endpoint: BatchEndpoint;
  /** JSON, never asking for a stream. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Found again in the log. */
  readonly id: string;
  /** Whose it is. */
  readonly owner?: string | undefined;
  /** Gives the request up. */
  readonly signal: AbortSignal;
}

/** What became of it: an answer of whatever status. */
export interface TaskAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** The body as JSON; text where it is none. */
  readonly body: unknown;
  /** Seconds after which a retry makes sense, where somebody said so. */
  readonly retryAfterSeconds: number | undefined;
  /** Name of the node or coordinator that answered; `undefined` if none did. */
  readonly upstream?: string | undefined;
}

/** Sends one request through the gateway, with less priority than any interactive one. Refusals are answers; rejects only with the signal's reason. */
export type SendTask = (request: TaskRequest) => Promise<TaskAnswer>;

/** A page of a list, newest first. */
export interface Page<T> {
  /** In their order. */
  readonly items: readonly T[];
  /** Whether more follow. */
  readonly hasMore: boolean;
}

/** Which files are wanted. */
export interface FileQuery {
  /** The most of them. */
  readonly limit: number;
  /** Those after this one; default: from the newest on. */
  readonly after?: string | undefined;
  /** Those of this purpose; default: all. */
  readonly purpose?: StoredFile["purpose"] | undefined;
  /** Whose; default: everybody's. */
  readonly of?: Owned | undefined;
}

/** Whose things are meant: those of one owner, or of nobody who showed a key. */
export interface Owned {
  /** See `ownerOf`. */
  readonly owner: string | undefined;
}

/** Which batches are wanted. */
export type BatchQuery = Pick<FileQuery, "limit" | "after" | "of">;

/** What clients do with files and batches. All of it outlives a restart of the gateway. */
export interface BatchService {
  /** Keeps a file. @throws {GatewayError} `too_large`, also if all files together are; `upstream_failed` if it cannot be written. */
  addFile(name: string, content: ReadableStream<Uint8Array>, owner?: string): Promise<StoredFile>;
  /** The files, the newest first. @throws {GatewayError} `not_found` if there is no file `after`. */
  listFiles(query: FileQuery): Page<StoredFile>;
  /** What is known of a file. @throws {GatewayError} `not_found`. */
  getFile(id: string): StoredFile;
  /** The content of a file. @throws {GatewayError} `not_found`. */
  readFile(id: string): ReadableStream<Uint8Array>;
  /** Forgets a file. @throws {GatewayError} `not_found`; `conflict` if a batch that runs reads it. */
  removeFile(id: string): void;
  /** Starts a batch; its lines are checked behind it. @throws {GatewayError} `not_found`, `invalid_request`. */
  createBatch(options: {
    readonly inputFileId: string;
    readonly endpoint: BatchEndpoint;
    readonly completionWindow: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly owner?: string | undefined;
  }): Batch;
  /** The batches, the newest first; those after the batch `after`. @throws {GatewayError} `not_found`. */
  listBatches(query: BatchQuery): Page<Batch>;
  /** A batch as it is now. @throws {GatewayError} `not_found`. */
  getBatch(id: string): Batch;
  /** What is under way is finished, nothing else begun. @throws {GatewayError} `not_found`; `conflict` if it has ended. */
  cancelBatch(id: string): Batch;
  /**
   * Runs a few requests at once without keeping anything: results as they come, each with its place in the list. Begins
   * with the first reading; throws the signal's reason, or `shutting_down`, so that what ends without is complete.
   */
  runNow(
    requests: readonly { readonly endpoint: BatchEndpoint; readonly body: Uint8Array<ArrayBuffer> }[],
    options: {
      readonly id: string;
      readonly owner?: string | undefined;
      readonly concurrency?: number | undefined;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<{ readonly index: number; readonly answer: TaskAnswer }>;
}
