import { deepEqual, equal } from "node:assert/strict";
import { ResultWriter } from "../../../lib/tasks/result_writer.ts";
import type { TaskResult } from "../../../lib/tasks/task_store.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function bed() {
  const clock = new FakeClock();
  const commits: number[][] = [];
  const kept: number[] = [];
  const disk = { isFull: false };
  const writer = new ResultWriter({
    clock,
    tasks: {
      addResults(results) {
        if (!disk.isFull) commits.push(results.map(({ number }) => number));
        return !disk.isFull;
      },
    },
    onKept: (results) => kept.push(...results.map(({ number }) => number)),
  });
  return { clock, commits, kept, disk, writer };
}

function result(number: number, outputLine = "{}"): TaskResult {
  return { batchId: "b", number, isSuccess: true, outputLine };
}

/** Lets sleepers that were woken go on. */
async function settled(): Promise<void> {
  for (let count = 0; count < 5; count++) await Promise.resolve();
}

Deno.test("ResultWriter writes what comes within 50 ms together", async () => {
  const { clock, commits, kept, writer } = bed();
  using _ = writer;
  writer.add(result(1));
  clock.advance(49);
  writer.add(result(2));
  await settled();
  deepEqual([commits, kept], [[], []]);
  clock.advance(1);
  await settled();
  deepEqual([commits, kept], [[[1, 2]], [1, 2]]);
});

Deno.test("ResultWriter writes 200 results, or 8 MiB, at once", () => {
  const { commits, writer } = bed();
  using _ = writer;
  for (let number = 1; number <= 200; number++) writer.add(result(number));
  deepEqual(commits.map((numbers) => numbers.length), [200]);
  writer.add(result(201, "x".repeat(9_000_000)));
  deepEqual(commits.map((numbers) => numbers.length), [200, 1]);
});

Deno.test("ResultWriter keeps what the disk refuses, and writes it in order once it takes it", async () => {
  const { clock, commits, kept, disk, writer } = bed();
  using _ = writer;
  disk.isFull = true;
  for (let number = 1; number <= 205; number++) writer.add(result(number));
  equal(writer.isRefused, true);
  deepEqual(kept, []);
  disk.isFull = false;
  clock.advance(1_000);
  await settled();
  equal(writer.isRefused, false);
  deepEqual(commits, [Array.from({ length: 205 }, (_, index) => index + 1)]);
  equal(kept.length, 205);
});

Deno.test("ResultWriter writes what is left at its disposal", () => {
  const { commits, writer } = bed();
  {
    using _ = writer;
    writer.add(result(1));
  }
  deepEqual(commits, [[1]]);
});
