import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { type Batch, BATCH_ENDPOINTS, BATCH_STATUSES } from "../tasks/batch.ts";
import { orUndefined } from "./or_undefined.ts";

const word = z.string().nullish().transform(orUndefined);
const toMs = (seconds: number) => seconds * 1_000;
const moment = z.number().transform(toMs);
const maybeMoment = z.number().nullish().transform((said) =>
  said === null || said === undefined ? undefined : toMs(said)
);

const mistake = z.object({
  code: z.string(),
  message: z.string(),
  line: z.number().nullish().transform(orUndefined),
});

const batch = z.object({
  id: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  errors: z.object({ data: z.array(mistake) }).nullish(),
  input_file_id: z.string(),
  completion_window: z.string(),
  status: z.enum(BATCH_STATUSES),
  output_file_id: word,
  error_file_id: word,
  created_at: moment,
  in_progress_at: maybeMoment,
  expires_at: moment,
  finalizing_at: maybeMoment,
  completed_at: maybeMoment,
  failed_at: maybeMoment,
  expired_at: maybeMoment,
  cancelling_at: maybeMoment,
  cancelled_at: maybeMoment,
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
  metadata: z.record(z.string(), z.string()).nullish(),
}).transform((said): Batch => ({
  id: said.id,
  endpoint: said.endpoint,
  inputFileId: said.input_file_id,
  completionWindow: said.completion_window,
  status: said.status,
  mistakes: said.errors?.data ?? [],
  outputFileId: said.output_file_id,
  errorFileId: said.error_file_id,
  counts: said.request_counts,
  metadata: said.metadata ?? {},
  createdAtMs: said.created_at,
  expiresAtMs: said.expires_at,
  startedAtMs: said.in_progress_at,
  finalizingAtMs: said.finalizing_at,
  endedAtMs: said.completed_at ?? said.failed_at ?? said.expired_at ?? said.cancelled_at,
  cancellingAtMs: said.cancelling_at,
}));

/** How a gateway tells of a batch: as OpenAI does. Fields of newer versions are left out. */
export const batchShape: JsonShape<Batch> = batch;

/** How it tells of several. */
export const batchListShape: JsonShape<{ readonly data: readonly Batch[] }> = z.object({
  data: z.array(batch),
});

/** How it tells of a file that it keeps now. */
export const keptFileShape: JsonShape<{ readonly id: string }> = z.object({ id: z.string() });
