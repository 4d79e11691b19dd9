import { deepEqual, equal, match, rejects } from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import type { BatchService } from "../../../lib/tasks/batch.ts";
import { FakeBatchService } from "../../fakes/fake_batch_service.ts";
import { BatchBed, inputLines } from "../../fixtures/batch_bed.ts";
import { until } from "../../fixtures/until.ts";
import { BatchesBed } from "./batches_bed.ts";

function clientOf({ url }: BatchesBed): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
}

/** Uploads lines and begins a batch, as the official SDK does. */
async function begin(client: OpenAI, lines: readonly string[]): Promise<OpenAI.Batch> {
  const input = await client.files.create({
    file: await toFile(new TextEncoder().encode(lines.join("\n")), "input.jsonl"),
    purpose: "batch",
  });
  return await client.batches.create({
    input_file_id: input.id,
    endpoint: "/v1/embeddings",
    completion_window: "24h",
    metadata: { of: "a test" },
  });
}

Deno.test("the official SDK uploads, begins a batch, waits for it and reads its results", async () => {
  await using bed = await BatchBed.create();
  bed.answer = ({ n }) => n === 7 ? { status: 400, body: { error: { message: "no" } } } : {};
  await using routes = new BatchesBed(bed.open(), { maxFileBytes: 1_000_000 });
  const client = clientOf(routes);
  const { id, status, metadata, created_at } = await begin(client, inputLines(50));
  deepEqual([status, metadata], ["validating", { of: "a test" }]);
  equal(Math.abs(created_at - Date.now() / 1_000) < 60, true);

  const isOver = async () => (await client.batches.retrieve(id)).status === "completed";
  await until(isOver, "the batch is completed", { withinMs: 10_000 });
  const batch = await client.batches.retrieve(id);
  deepEqual(batch.request_counts, { total: 50, completed: 49, failed: 1 });
  equal(typeof batch.completed_at, "number");
  deepEqual([batch.failed_at, batch.cancelled_at, batch.expired_at, batch.errors], [null, null, null, null]);
  const output = (await (await client.files.content(batch.output_file_id!)).text()).trimEnd().split("\n");
  deepEqual(
    output.map((line) => JSON.parse(line).custom_id),
    Array.from({ length: 50 }, (_, n) => `c${n}`).filter((name) => name !== "c7"),
  );
  const errors = await (await client.files.content(batch.error_file_id!)).text();
  deepEqual(JSON.parse(errors).response.status_code, 400);

  const listed = await Array.fromAsync(client.files.list({ purpose: "batch" }));
  deepEqual(listed.map(({ filename, bytes }) => [filename, bytes > 0]), [["input.jsonl", true]]);
  deepEqual((await client.files.retrieve(batch.output_file_id!)).purpose, "batch_output");
  equal((await client.files.delete(batch.input_file_id)).deleted, true);
  await rejects(client.batches.cancel(id), { status: 409, code: "conflict" });
});

Deno.test("the official SDK is told of each mistake in a batch's input, with its line", async () => {
  await using bed = await BatchBed.create();
  await using routes = new BatchesBed(bed.open());
  const client = clientOf(routes);
  const { id } = await begin(client, [...inputLines(2), "{", '{"custom_id":"x"}']);
  const isOver = async () => (await client.batches.retrieve(id)).status === "failed";
  await until(isOver, "the batch has failed", { withinMs: 10_000 });
  const { errors, failed_at } = await client.batches.retrieve(id);
  deepEqual(errors!.data!.map(({ line, param }) => [line, param]), [[3, null], [4, null]]);
  equal(typeof failed_at, "number");
});

Deno.test("the official SDK cancels a batch, and pages through all of them", async () => {
  const service = new FakeBatchService();
  await using routes = new BatchesBed(service);
  const client = clientOf(routes);
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.unshift((await begin(client, inputLines(1))).id);
  const cancelled = await client.batches.cancel(ids[0]!);
  deepEqual([cancelled.status, cancelled.cancelling_at], ["cancelling", service.nowMs / 1_000]);
  const listed = await Array.fromAsync(client.batches.list({ limit: 2 }));
  deepEqual(listed.map(({ id }) => id), ids);
});

for (
  const { name, body, status = 400, param = null } of [
    { name: "no body", body: "", param: "input_file_id" },
    { name: "no JSON", body: "{" },
    { name: "a list", body: "[]" },
    {
      name: "no file",
      body: { endpoint: "/v1/embeddings", completion_window: "24h" },
      param: "input_file_id",
    },
    {
      name: "an endpoint of another kind",
      body: { input_file_id: "file-1", endpoint: "/v1/responses", completion_window: "24h" },
      param: "endpoint",
    },
    {
      name: "metadata that is no text",
      body: {
        input_file_id: "file-1",
        endpoint: "/v1/embeddings",
        completion_window: "24h",
        metadata: { a: 1 },
      },
      param: "metadata.a",
    },
    {
      name: "a file that is not there",
      body: { input_file_id: "file-1", endpoint: "/v1/embeddings", completion_window: "24h" },
      status: 404,
    },
  ]
) {
  Deno.test(`POST /v1/batches refuses ${name}`, async () => {
    await using routes = new BatchesBed(new FakeBatchService());
    const answer = await routes.ask("POST", "/v1/batches", body);
    deepEqual([answer.status, answer.body.error.param], [status, param], JSON.stringify(answer.body));
  });
}

Deno.test("what is no batch is told apart from what cannot be done with one", async () => {
  const service = new FakeBatchService();
  await using routes = new BatchesBed(service);
  for (
    const [method, path, status] of [
      ["GET", "/v1/batches/batch_x", 404],
      ["POST", "/v1/batches/batch_x/cancel", 404],
      ["GET", "/v1/batches?after=batch_x", 404],
      ["GET", "/v1/batches?limit=101", 400],
      ["DELETE", "/v1/batches/batch_x", 405],
      ["GET", "/v1/batches/batch_x/cancel", 405],
    ] as const
  ) {
    const answer = await routes.ask(method, path);
    equal(answer.status, status, `${method} ${path}`);
    match(answer.body.error.message, /./);
  }
});

Deno.test("a page of another site cannot begin a batch: it may not send JSON", async () => {
  const service: BatchService = new FakeBatchService();
  await using routes = new BatchesBed(service);
  const body = JSON.stringify({
    input_file_id: "file-1",
    endpoint: "/v1/embeddings",
    completion_window: "24h",
  });
  equal((await routes.ask("POST", "/v1/batches", body, { "content-type": "text/plain" })).status, 415);
});
