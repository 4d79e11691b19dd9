/** What a batch may ask for, as OpenAI's Batch API names it. */
export type BatchEndpoint = "/v1/chat/completions" | "/v1/completions" | "/v1/embeddings";

/** Where a batch is in its life, as OpenAI's Batch API names it. */
export type BatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** A line of the input that cannot be asked. */
export interface BatchMistake {
  readonly code: string;
  readonly message: string;
  /** From 1; `undefined` where it is the whole file's. */
  readonly line: number | undefined;
}

/** A batch of requests. Times are ms since 1970. */
export interface Batch {
  /** `batch_…`. */
  readonly id: string;
  readonly endpoint: BatchEndpoint;
  readonly inputFileId: string;
  readonly completionWindow: string;
  readonly status: BatchStatus;
  /** Why it failed. */
  readonly mistakes: readonly BatchMistake[];
  /** Once there is one. */
  readonly outputFileId: string | undefined;
  /** Once there is one; `undefined` if no request failed. */
  readonly errorFileId: string | undefined;
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number };
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly finalizingAtMs: number | undefined;
  /** When it was completed, failed, expired or cancelled. */
  readonly endedAtMs: number | undefined;
  readonly cancellingAtMs: number | undefined;
}

/** An uploaded file, or one that a batch wrote. */
export interface StoredFile {
  /** `file-…`. */
  readonly id: string;
  readonly name: string;
  readonly purpose: "batch" | "batch_output";
  readonly sizeBytes: number;
  readonly createdAtMs: number;
}

/** One request of a batch, as it is sent through the gateway. */
export interface TaskRequest {
  readonly endpoint: BatchEndpoint;
  /** JSON, never asking for a stream. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Found again in the log. */
  readonly id: string;
  readonly signal: AbortSignal;
}

/** What became of it: an answer of whatever status. */
export interface TaskAnswer {
  readonly status: number;
  /** The body as JSON; text where it is none. */
  readonly body: unknown;
  /** Seconds after which a retry makes sense, where somebody said so. */
  readonly retryAfterSeconds: number | undefined;
}

/** Sends one request through the gateway, with less priority than any interactive one. Refusals are answers; rejects only with the signal's reason. */
export type SendTask = (request: TaskRequest) => Promise<TaskAnswer>;

/** A page of a list, newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/** What clients do with files and batches. All of it outlives a restart of the gateway. */
export interface BatchService {
  /** Keeps a file. @throws {GatewayError} `too_large`; `upstream_failed` if it cannot be written. */
  addFile(name: string, content: ReadableStream<Uint8Array>): Promise<StoredFile>;
  listFiles(options: { readonly limit: number; readonly after?: string | undefined }): Page<StoredFile>;
  /** @throws {GatewayError} `not_found`. */
  getFile(id: string): StoredFile;
  /** @throws {GatewayError} `not_found`. */
  readFile(id: string): ReadableStream<Uint8Array>;
  /** @throws {GatewayError} `not_found`; `conflict` if a batch that runs reads it. */
  removeFile(id: string): void;
  /** Starts a batch; its lines are checked behind it. @throws {GatewayError} `not_found`, `invalid_request`. */
  createBatch(options: {
    readonly inputFileId: string;
    readonly endpoint: BatchEndpoint;
    readonly completionWindow: string;
    readonly metadata: Readonly<Record<string, string>>;
  }): Batch;
  listBatches(options: { readonly limit: number; readonly after?: string | undefined }): Page<Batch>;
  /** @throws {GatewayError} `not_found`. */
  getBatch(id: string): Batch;
  /** What is under way is finished, nothing else begun. @throws {GatewayError} `not_found`; `conflict` if it has ended. */
  cancelBatch(id: string): Batch;
  /**
   * Runs a few requests at once without keeping anything: results as they come, each with its place in the list.
   */
  runNow(
    requests: readonly { readonly endpoint: BatchEndpoint; readonly body: Uint8Array<ArrayBuffer> }[],
    options: { readonly id: string; readonly signal: AbortSignal },
  ): AsyncIterable<{ readonly index: number; readonly answer: TaskAnswer }>;
}
