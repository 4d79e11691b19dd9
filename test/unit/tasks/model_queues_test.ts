import { deepEqual, equal } from "node:assert/strict";
import { ModelQueues } from "../../../lib/tasks/model_queues.ts";

Deno.test("each model has a queue, and those that name none share one", () => {
  const queues = new ModelQueues();
  deepEqual(["a", "b", undefined, "a", undefined].map((model) => queues.queueOf(model)), [0, 1, 2, 0, 2]);
});

Deno.test("10,000 models have 65 queues, and the first 64 keep theirs", () => {
  const queues = new ModelQueues();
  const models = Array.from({ length: 10_000 }, (_, index) => `m${index}`);
  equal(new Set(models.map((model) => queues.queueOf(model))).size, 65);
  deepEqual([queues.queueOf("m63"), queues.queueOf("m64"), queues.queueOf("m9999")], [63, 64, 64]);
});
