import { deepEqual, equal } from "node:assert/strict";
import { batchListShape, batchShape } from "../../../lib/cli/batch_shape.ts";
import { batchObject, fileObject, listObject } from "../../../lib/dialects/openai_batch.ts";
import type { Batch, BatchStatus } from "../../../lib/tasks/batch.ts";
import { batchOf } from "../../fixtures/batch_of.ts";

const SECOND = 1_767_312_000;

Deno.test("batchObject() says what OpenAI's says, with null for what is not yet", () => {
  deepEqual(batchObject(batchOf("in_progress", { startedAtMs: (SECOND + 2) * 1_000 + 999 })), {
    id: "batch_1",
    object: "batch",
    endpoint: "/v1/embeddings",
    errors: null,
    input_file_id: "file-1",
    completion_window: "24h",
    status: "in_progress",
    output_file_id: null,
    error_file_id: null,
    created_at: SECOND,
    in_progress_at: SECOND + 2,
    expires_at: SECOND + 86_400,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 10, completed: 3, failed: 1 },
    metadata: { of: "a test" },
  });
});

for (const status of ["completed", "failed", "expired", "cancelled"] as const satisfies BatchStatus[]) {
  Deno.test(`batchObject() tells when a batch was ${status}, and that it was nothing else`, () => {
    const said = batchObject(batchOf(status, { endedAtMs: SECOND * 1_000 + 5_000 }));
    for (const other of ["completed", "failed", "expired", "cancelled"] as const) {
      equal(said[`${other}_at`], other === status ? SECOND + 5 : null, other);
    }
  });
}

Deno.test("batchObject() lists the mistakes of an input", () => {
  const mistakes = [
    { code: "invalid_json_line", message: "The line is not valid JSON", line: 3 },
    { code: "empty_file", message: "The file has no requests", line: undefined },
  ];
  deepEqual(batchObject(batchOf("failed", { mistakes })).errors, {
    object: "list",
    data: [
      { code: "invalid_json_line", message: "The line is not valid JSON", param: null, line: 3 },
      { code: "empty_file", message: "The file has no requests", param: null, line: null },
    ],
  });
});

Deno.test("a list names its first and last entry, if it has any", () => {
  const file = { id: "file-1", name: "a", purpose: "batch", sizeBytes: 5, createdAtMs: 1_999 } as const;
  const { data, ...rest } = listObject(
    { items: [file, { ...file, id: "file-2" }], hasMore: true },
    fileObject,
  );
  deepEqual(rest, { object: "list", first_id: "file-1", last_id: "file-2", has_more: true });
  equal(data[0]!.created_at, 1);
  deepEqual(listObject({ items: [], hasMore: false }, fileObject), {
    ...{ object: "list", data: [], first_id: null, last_id: null, has_more: false },
  });
});

Deno.test("what the gateway tells of a batch is what the command line reads, to the second", () => {
  const batches: Batch[] = [
    batchOf("validating", { counts: { total: 0, completed: 0, failed: 0 } }),
    batchOf("cancelling", { startedAtMs: 2_000, cancellingAtMs: 3_000 }),
    batchOf("completed", {
      startedAtMs: 2_000,
      finalizingAtMs: 3_000,
      endedAtMs: 4_000,
      outputFileId: "file-2",
    }),
    batchOf("expired", { endedAtMs: 4_000, errorFileId: "file-3" }),
    batchOf("failed", { endedAtMs: 4_000, mistakes: [{ code: "c", message: "m", line: undefined }] }),
  ];
  for (const batch of batches) {
    const said = batchShape.safeParse(JSON.parse(JSON.stringify(batchObject(batch))));
    deepEqual(said, { success: true, data: batch });
  }
  const list = JSON.parse(JSON.stringify(listObject({ items: batches, hasMore: false }, batchObject)));
  deepEqual(batchListShape.safeParse(list), { success: true, data: { data: batches } });
});
