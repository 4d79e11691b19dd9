import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { requireJson } from "../json_text.ts";
import { parsedBy } from "../parsed_by.ts";
import { type Batch, BATCH_ENDPOINTS, BATCH_STATUSES, type StoredFile } from "./batch.ts";

/** Becomes a part of a path: nothing else may stand there, also if somebody edits the rows. */
const fileId = z.string().regex(/^file-[A-Za-z0-9]+$/);
const wholeNumber = z.bigint().transform(Number).pipe(z.int().min(0));
const owner = z.string().nullable().transform((name) => name ?? undefined);
const moment = wholeNumber.nullable().transform((atMs) => atMs ?? undefined);

/** How a row of the table `file` is to be. */
export const fileRow: JsonShape<StoredFile> = z.object({
  id: fileId,
  name: z.string(),
  purpose: z.enum(["batch", "batch_output"]),
  size_bytes: wholeNumber,
  created_at_ms: wholeNumber,
  owner,
}).transform((said): StoredFile => ({
  id: said.id,
  name: said.name,
  purpose: said.purpose,
  sizeBytes: said.size_bytes,
  createdAtMs: said.created_at_ms,
  owner: said.owner,
}));

const mistakes = z.array(z.object({
  code: z.string(),
  message: z.string(),
  line: z.int().optional(),
}));

/** How a row of the table `batch` is to be. */
export const batchRow: JsonShape<Batch> = z.object({
  id: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  input_file_id: fileId,
  completion_window: z.string(),
  status: z.enum(BATCH_STATUSES),
  mistakes: json(mistakes),
  output_file_id: fileId.nullable(),
  error_file_id: fileId.nullable(),
  total_count: wholeNumber,
  completed_count: wholeNumber,
  failed_count: wholeNumber,
  metadata: json(z.record(z.string(), z.string())),
  created_at_ms: wholeNumber,
  expires_at_ms: wholeNumber,
  started_at_ms: moment,
  finalizing_at_ms: moment,
  ended_at_ms: moment,
  cancelling_at_ms: moment,
  owner,
}).transform((said): Batch => ({
  id: said.id,
  endpoint: said.endpoint,
  inputFileId: said.input_file_id,
  completionWindow: said.completion_window,
  status: said.status,
  mistakes: said.mistakes.map(({ code, message, line }) => ({ code, message, line })),
  outputFileId: said.output_file_id ?? undefined,
  errorFileId: said.error_file_id ?? undefined,
  counts: { total: said.total_count, completed: said.completed_count, failed: said.failed_count },
  metadata: said.metadata,
  createdAtMs: said.created_at_ms,
  expiresAtMs: said.expires_at_ms,
  startedAtMs: said.started_at_ms,
  finalizingAtMs: said.finalizing_at_ms,
  endedAtMs: said.ended_at_ms,
  cancellingAtMs: said.cancelling_at_ms,
  owner: said.owner,
}));

function json<T extends z.ZodType>(shape: T) {
  return z.string().transform(parsedBy(requireJson)).pipe(shape);
}
