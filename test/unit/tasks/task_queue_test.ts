import { deepEqual, equal } from "node:assert/strict";
import { TaskQueue } from "../../../lib/tasks/task_queue.ts";
import type { TaskAnswer } from "../../../lib/tasks/batch.ts";

function queueOf(tasks: string[], { retryCount = 2 } = {}): TaskQueue<string> {
  const left = [...tasks];
  const supply = {
    take: () => left.shift(),
    get isEmpty() {
      return left.length === 0;
    },
  };
  return new TaskQueue({ supply, retryCount: () => retryCount, random: () => 0.5 });
}

function answer(
  status: number,
  { code, retryAfterSeconds }: { code?: string; retryAfterSeconds?: number } = {},
): TaskAnswer {
  return { status, body: { error: { code } }, retryAfterSeconds };
}

const NO_CAPACITY = answer(503, { code: "no_capacity" });

Deno.test("TaskQueue hands out each task once, and is done when all have their result", () => {
  const queue = queueOf(["a", "b"]);
  const a = queue.take(0)!;
  const b = queue.take(0)!;
  deepEqual([a.task, b.task, queue.take(0)], ["a", "b", undefined]);
  equal(queue.settle(a, answer(200), 0), true);
  equal(queue.isDone, false);
  equal(queue.settle(b, answer(404), 0), true);
  equal(queue.isDone, true);
  equal(queue.dueAtMs, Infinity);
});

Deno.test("TaskQueue asks again after a failure, later each time, until the retries are used up", () => {
  const queue = queueOf(["a"]);
  equal(queue.settle(queue.take(0)!, answer(500), 0), false);
  equal(queue.dueAtMs, 1_000);
  equal(queue.take(999), undefined);
  equal(queue.settle(queue.take(1_000)!, answer(503), 1_000), false);
  equal(queue.dueAtMs, 3_000);
  equal(queue.isDone, false);
  equal(queue.settle(queue.take(3_000)!, answer(500), 3_000), true);
  equal(queue.isDone, true);
});

for (
  const { name, retryAfterSeconds, wantMs } of [
    { name: "as long as the answer says", retryAfterSeconds: 7, wantMs: 7_000 },
    { name: "5 minutes if the answer says a day", retryAfterSeconds: 86_400, wantMs: 300_000 },
    { name: "a moment if the answer says at once", retryAfterSeconds: 0, wantMs: 100 },
    { name: "as usual if the answer says nonsense", retryAfterSeconds: NaN, wantMs: 1_000 },
    { name: "as usual if the answer says a moment ago", retryAfterSeconds: -1, wantMs: 1_000 },
  ]
) {
  Deno.test(`TaskQueue waits ${name}`, () => {
    const queue = queueOf(["a"]);
    queue.settle(queue.take(0)!, answer(429, { retryAfterSeconds }), 0);
    equal(queue.dueAtMs, wantMs);
  });
}

Deno.test("TaskQueue goes on with other tasks while one that failed waits", () => {
  const queue = queueOf(["a", "b"]);
  queue.settle(queue.take(0)!, answer(500), 0);
  equal(queue.take(0)!.task, "b");
});

Deno.test("TaskQueue stops while nobody can take its tasks, then tries one before all others", () => {
  const queue = queueOf(["a", "b", "c"], { retryCount: 0 });
  const a = queue.take(0)!;
  const b = queue.take(0)!;
  queue.settle(a, NO_CAPACITY, 0);
  queue.settle(b, NO_CAPACITY, 10);
  equal(queue.dueAtMs, 1_000, "two refusals at the same time count as two pauses");
  equal(queue.take(999), undefined);
  const trial = queue.take(1_000)!;
  equal(trial.task, "a");
  equal(queue.take(1_000), undefined, "a second one is asked beside the trial");
  queue.settle(trial, NO_CAPACITY, 1_000);
  equal(queue.dueAtMs, 3_000);
  equal(queue.settle(queue.take(3_000)!, answer(200), 3_000), true);
  deepEqual([queue.take(3_000)!.task, queue.take(3_000)!.task].toSorted(), ["a", "c"]);
});

Deno.test("TaskQueue counts no refusal for want of capacity as a failure", () => {
  const queue = queueOf(["a"], { retryCount: 0 });
  let nowMs = 0;
  for (let count = 0; count < 50; count++) {
    equal(queue.settle(queue.take(nowMs)!, NO_CAPACITY, nowMs), false);
    nowMs = queue.dueAtMs;
  }
  equal(queue.settle(queue.take(nowMs)!, answer(200), nowMs), true);
});

Deno.test("TaskQueue hands out at once what was given back, also if that was the trial", () => {
  const queue = queueOf(["a"]);
  queue.settle(queue.take(0)!, NO_CAPACITY, 0);
  queue.giveBack(queue.take(1_000)!);
  equal(queue.isDone, false);
  equal(queue.take(1_000)!.task, "a");
});

Deno.test("TaskQueue begins no new tasks while 1,000 wait to be asked again", () => {
  const queue = queueOf(Array.from({ length: 1_001 }, (_, n) => `${n}`));
  for (let count = 0; count < 1_000; count++) queue.settle(queue.take(0)!, answer(500), 0);
  equal(queue.take(0), undefined);
  equal(queue.take(1_000)!.task, "0");
});
