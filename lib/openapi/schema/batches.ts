import * as z from "zod";
import { BATCH_ENDPOINTS, BATCH_STATUSES } from "../../tasks/batch.ts";
import { component } from "./component.ts";

const moment = z.int().nullable();

export const file = component(
  "File",
  z.object({
    id: z.string().describe("file-…"),
    object: z.literal("file").describe("What it is."),
    bytes: z.int().describe("How large it is."),
    created_at: z.int().describe("When it came, seconds since 1970."),
    filename: z.string().describe("For people."),
    purpose: z.enum(["batch", "batch_output"]).describe("What it is for."),
    status: z.literal("processed").describe("Always."),
  }).describe("A file."),
);

export const upload = component(
  "Upload",
  z.object({
    purpose: z.literal("batch").describe("What it is for."),
    file: z.string().meta({ format: "binary" }).describe(
      "A request a line: {custom_id, method, url, body}, as OpenAI's Batch API has them.",
    ),
  }).describe("A file to be kept."),
);

const page = {
  object: z.literal("list").describe("What it is."),
  first_id: z.string().nullable().describe("Of the first entry; null if there is none."),
  last_id: z.string().nullable().describe("Of the last entry: where the next page goes on."),
  has_more: z.boolean().describe("Whether there is a next page."),
};

export const fileList = component(
  "FileList",
  z.object({ ...page, data: z.array(file).describe("The newest first.") }).describe("A page of the files."),
);

export const fileDeleted = component(
  "FileDeleted",
  z.object({
    id: z.string().describe("Which one."),
    object: z.literal("file").describe("What it was."),
    deleted: z.literal(true).describe("Always."),
  }).describe("A file is gone."),
);

export const newBatch = component(
  "NewBatch",
  z.object({
    input_file_id: z.string().describe("The file of its requests."),
    endpoint: z.enum(BATCH_ENDPOINTS).describe("What all of them ask for."),
    completion_window: z.string().describe("How long it may take, such as 24h."),
    metadata: z.record(z.string(), z.string()).nullish().describe("Whatever is to be remembered."),
  }).describe("A batch to be run."),
);

export const batch = component(
  "Batch",
  z.object({
    id: z.string().describe("batch_…"),
    object: z.literal("batch").describe("What it is."),
    endpoint: z.string().describe("What its requests ask for."),
    errors: z.object({
      object: z.literal("list").describe("What it is."),
      data: z.array(z.object({
        code: z.string().describe("For programs."),
        message: z.string().describe("For people."),
        param: z.null().describe("The message names it."),
        line: z.int().nullable().describe("From 1; null where it is the whole file's."),
      })).describe("All of them."),
    }).nullable().describe("Why it failed."),
    input_file_id: z.string().describe("The requests."),
    completion_window: z.string().describe("As it was said."),
    status: z.enum(BATCH_STATUSES).describe("Where it is in its life."),
    output_file_id: z.string().nullable().describe("The answers."),
    error_file_id: z.string().nullable().describe("What was not answered well."),
    created_at: z.int().describe("When it was asked for, seconds since 1970."),
    in_progress_at: moment.describe("When its requests began to be asked."),
    expires_at: z.int().describe("When it is given up."),
    finalizing_at: moment.describe("When its results began to be put together."),
    completed_at: moment.describe("When it was done."),
    failed_at: moment.describe("When its input proved wrong."),
    expired_at: moment.describe("When it was given up."),
    cancelling_at: moment.describe("When somebody wanted its end."),
    cancelled_at: moment.describe("When it had ended because of that."),
    request_counts: z.object({
      total: z.int().describe("All of them."),
      completed: z.int().describe("Those that were answered well."),
      failed: z.int().describe("Those that were not."),
    }).describe("How far it is."),
    metadata: z.record(z.string(), z.string()).describe("Whatever its maker wanted to remember."),
  }).describe("A batch."),
);

export const batchList = component(
  "BatchList",
  z.object({ ...page, data: z.array(batch).describe("The newest first.") }).describe(
    "A page of the batches.",
  ),
);

const asked = z.array(z.looseObject({
  type: z.enum(["chat", "generate", "embed"]).describe(
    "What it asks for; the rest is as in a request for that.",
  ),
})).min(1).max(10_000);

export const manyRequest = component(
  "ManyRequest",
  z.union([
    z.object({
      requests: asked.describe("At most 10,000."),
      stream: z.boolean().optional().describe(
        "Whether answers come as events, each as soon as it is there. Default: false.",
      ),
    }),
    asked,
  ]).describe("Requests to be run now."),
);

const result = component(
  "ManyResult",
  z.object({
    index: z.int().describe("Which request, from 0."),
    status: z.int().describe("HTTP status of its answer."),
    upstream: z.string().nullable().describe("Who answered it; null if nobody did."),
    body: z.unknown().describe("The answer, or the error."),
  }).describe("What became of one of the requests."),
);

export const manyAnswer = component(
  "ManyAnswer",
  z.object({ results: z.array(result).describe("In the order of the requests.") }).describe("All answers."),
);

export const manyEvent = component(
  "ManyEvent",
  z.union([
    result,
    z.object({
      done: z.int().describe("So many requests are done."),
      total: z.int().describe("Of so many."),
    }),
    z.object({ total: z.int().describe("All are done.") }),
  ]).describe("The data of an event: result, progress or done."),
);
