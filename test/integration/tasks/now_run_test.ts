import { deepEqual, equal, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { untilAborted } from "../../../lib/until_aborted.ts";
import { BatchBed } from "../../fixtures/batch_bed.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("requests that are kept nowhere are answered as they come, within the same limit", async () => {
  await using bed = await BatchBed.create();
  let [most, doneCount] = [0, 0];
  const others = Promise.withResolvers<void>();
  bed.answer = async ({ n }) => {
    most = Math.max(most, bed.underWayCount);
    if (n === 0) await others.promise; // the slowest, however slow this machine is
    await new Promise((resolve) => setTimeout(resolve, n === 0 ? 50 : 1));
    if (++doneCount === 11) others.resolve();
    return { body: n };
  };
  const batches = bed.open({ concurrency: 3 });
  const requests = Array.from({ length: 12 }, (_, n) => ({
    endpoint: "/v1/embeddings" as const,
    body: new TextEncoder().encode(JSON.stringify({ n })),
  }));
  const results = await Array.fromAsync(
    batches.runNow(requests, { id: "r", signal: new AbortController().signal }),
  );
  deepEqual(
    results.map(({ index, answer }) => [index, answer.body]).toSorted(),
    requests.map((_, n) => [n, n]).toSorted(),
  );
  equal(results.at(-1)!.index, 0, "the slow one held up the others");
  equal(most, 3);
  deepEqual(batches.listBatches({ limit: 1 }).items, []);
});

Deno.test("requests of whoever may have so many under way wait for each other, and hold up nobody else", async () => {
  await using bed = await BatchBed.create();
  const underWay = new Map<string, number>();
  let most = 0;
  const held = Promise.withResolvers<void>();
  bed.answer = async ({ model = "" }) => {
    underWay.set(model, (underWay.get(model) ?? 0) + 1);
    if (model === "few") most = Math.max(most, underWay.get(model)!);
    if (model === "few") await held.promise;
    underWay.set(model, underWay.get(model)! - 1);
    return {};
  };
  const batches = bed.open({ concurrency: 8 });
  const requests = (model: string) =>
    Array.from({ length: 6 }, () => ({
      endpoint: "/v1/embeddings" as const,
      body: new TextEncoder().encode(JSON.stringify({ model })),
    }));
  const { signal } = new AbortController();
  const few = Array.fromAsync(batches.runNow(requests("few"), { id: "f", concurrency: 2, signal }));
  await until(() => underWay.get("few") === 2, "two are under way");
  equal((await Array.fromAsync(batches.runNow(requests("many"), { id: "m", signal }))).length, 6);
  held.resolve();
  equal((await few).length, 6);
  equal(most, 2);
});

Deno.test("beyond 64 models requests share a queue, which waits while nobody can take the first of them", async () => {
  await using bed = await BatchBed.create();
  bed.answer = ({ model }) => {
    const isAway = model === "m64" && bed.asked.length === 65;
    return isAway ? { status: 503, body: { error: { code: "loading" } }, retryAfterSeconds: 0 } : {};
  };
  const batches = bed.open({ concurrency: 1 });
  const models = Array.from({ length: 70 }, (_, n) => `m${n}`);
  const requests = models.map((model) => ({
    endpoint: "/v1/embeddings" as const,
    body: new TextEncoder().encode(JSON.stringify({ model })),
  }));
  const { signal } = new AbortController();
  const results = await Array.fromAsync(batches.runNow(requests, { id: "r", signal }));
  equal(results.length, 70);
  deepEqual(bed.asked.map(({ model }) => model), models.toSpliced(64, 0, "m64"));
});

Deno.test("requests that are kept nowhere end with the signal, with their reader, and with the gateway", async () => {
  await using bed = await BatchBed.create();
  bed.answer = async (
    { n },
    { signal },
  ) => (n === 0 || await untilAborted(signal), signal.throwIfAborted(), {});
  const batches = bed.open({ concurrency: 3 });
  const requests = [0, 1, 2].map((n) => ({
    endpoint: "/v1/embeddings" as const,
    body: new TextEncoder().encode(JSON.stringify({ n })),
  }));
  const { signal } = new AbortController();

  const left = new AbortController();
  const reason = new Error("the client left");
  const aborted = Array.fromAsync(batches.runNow(requests, { id: "a", signal: left.signal }));
  await until(() => bed.asked.length === 3, "all are asked");
  left.abort(reason);
  await rejects(aborted, reason);

  for await (const { index } of batches.runNow(requests, { id: "b", signal })) {
    equal(index, 0);
    break;
  }
  await until(() => bed.underWayCount === 0, "nothing is under way");

  const closed = Array.fromAsync(batches.runNow(requests, { id: "c", signal }));
  await until(() => bed.underWayCount === 2, "two hang");
  const refused = rejects(closed, (error) => error instanceof GatewayError && error.code === "shutting_down");
  await batches[Symbol.asyncDispose]();
  await refused;
  equal(bed.underWayCount, 0);
});
