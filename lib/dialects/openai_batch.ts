import type { Batch, BatchMistake, BatchStatus, Page, StoredFile } from "../tasks/batch.ts";

/** A list as OpenAI's API gives it, a page at a time. */
export interface ListObject<T> {
  /** The same for every list. */
  readonly object: "list";
  /** Newest first. */
  readonly data: readonly T[];
  /** Of the first entry; `null` if there is none. */
  readonly first_id: string | null;
  /** Of the last entry: where the next page goes on; `null` if there is none. */
  readonly last_id: string | null;
  /** Whether there is a next page. */
  readonly has_more: boolean;
}

/** A file as OpenAI's API tells of it. Times are seconds since 1970. */
export interface FileObject {
  /** `file-…`. */
  readonly id: string;
  /** The same for every file. */
  readonly object: "file";
  /** How large it is. */
  readonly bytes: number;
  /** When it came. */
  readonly created_at: number;
  /** For people. */
  readonly filename: string;
  /** What it is for. */
  readonly purpose: StoredFile["purpose"];
  /** OpenAI's own no longer means anything by it, but its SDKs expect it. */
  readonly status: "processed";
}

/** A batch as OpenAI's API tells of it. Times are seconds since 1970; what is not, or not yet, is `null`. */
export interface BatchObject {
  /** `batch_…`. */
  readonly id: string;
  /** The same for every batch. */
  readonly object: "batch";
  /** What its requests ask for. */
  readonly endpoint: string;
  /** Why it failed. */
  readonly errors: { readonly object: "list"; readonly data: readonly BatchErrorObject[] } | null;
  /** The requests. */
  readonly input_file_id: string;
  /** As it was said. */
  readonly completion_window: string;
  /** Where it is in its life. */
  readonly status: BatchStatus;
  /** The answers. */
  readonly output_file_id: string | null;
  /** What was not answered well. */
  readonly error_file_id: string | null;
  /** When it was asked for. */
  readonly created_at: number;
  /** When its requests began to be asked. */
  readonly in_progress_at: number | null;
  /** When it is given up. */
  readonly expires_at: number;
  /** When its results began to be put together. */
  readonly finalizing_at: number | null;
  /** When it was done. */
  readonly completed_at: number | null;
  /** When its input proved wrong. */
  readonly failed_at: number | null;
  /** When it was given up. */
  readonly expired_at: number | null;
  /** When somebody wanted its end. */
  readonly cancelling_at: number | null;
  /** When it had ended because of that. */
  readonly cancelled_at: number | null;
  /** How far it is. */
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
  /** Whatever its maker wanted to remember. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is wrong with an input. */
export interface BatchErrorObject {
  /** For programs. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** The message names it. */
  readonly param: null;
  /** From 1; `null` where it is the whole file's. */
  readonly line: number | null;
}

/** Tells of a file. @see https://platform.openai.com/docs/api-reference/files/object */
export function fileObject({ id, name, purpose, sizeBytes, createdAtMs }: StoredFile): FileObject {
  return {
    id,
    object: "file",
    bytes: sizeBytes,
    created_at: toSeconds(createdAtMs),
    filename: name,
    purpose,
    status: "processed",
  };
}

/** Tells of a batch. @see https://platform.openai.com/docs/api-reference/batch/object */
export function batchObject(batch: Batch): BatchObject {
  const endedAs = (status: BatchStatus) => batch.status === status ? secondsOrNull(batch.endedAtMs) : null;
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    errors: batch.mistakes.length > 0 ? { object: "list", data: batch.mistakes.map(toError) } : null,
    input_file_id: batch.inputFileId,
    completion_window: batch.completionWindow,
    status: batch.status,
    output_file_id: batch.outputFileId ?? null,
    error_file_id: batch.errorFileId ?? null,
    created_at: toSeconds(batch.createdAtMs),
    in_progress_at: secondsOrNull(batch.startedAtMs),
    expires_at: toSeconds(batch.expiresAtMs),
    finalizing_at: secondsOrNull(batch.finalizingAtMs),
    completed_at: endedAs("completed"),
    failed_at: endedAs("failed"),
    expired_at: endedAs("expired"),
    cancelling_at: secondsOrNull(batch.cancellingAtMs),
    cancelled_at: endedAs("cancelled"),
    request_counts: { ...batch.counts },
    metadata: batch.metadata,
  };
}

/** A page of a list. */
export function listObject<T, U extends { readonly id: string }>(
  { items, hasMore }: Page<T>,
  render: (item: T) => U,
): ListObject<U> {
  const data = items.map(render);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

function toError({ code, message, line }: BatchMistake): BatchErrorObject {
  return { code, message, param: null, line: line ?? null };
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

function secondsOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : toSeconds(ms);
}
