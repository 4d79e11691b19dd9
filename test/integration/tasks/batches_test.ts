import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { untilAborted } from "../../../lib/until_aborted.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import {
  BatchBed,
  begin,
  ended,
  inputLine,
  inputLines,
  resultLines,
  upload,
} from "../../fixtures/batch_bed.ts";
import { batchConfig } from "../../fixtures/batch_config.ts";
import { until } from "../../fixtures/until.ts";

const HOUR_MS = 3_600_000;

/** A refusal as the gateway gives it. */
function noCapacity() {
  return { status: 503, body: { error: { code: "no_capacity" } } };
}

Deno.test("a batch goes through its life and leaves its answers in the order of its input", async () => {
  await using bed = await BatchBed.create();
  bed.answer = async ({ n }) => {
    await new Promise((resolve) => setTimeout(resolve, n! % 7));
    return n === 3 ? { status: 400, body: { error: { message: "no" } } } : { body: { value: n } };
  };
  const batches = bed.open();
  const { id, status } = await begin(batches, inputLines(50, { model: "m" }));
  equal(status, "validating");
  const batch = await ended(batches, id);

  deepEqual(
    bed.log.lines.filter(({ batch }) => batch === id).map(({ status }) => status),
    ["validating", "in_progress", "finalizing", "completed"],
  );
  deepEqual(batch.counts, { total: 50, completed: 49, failed: 1 });
  ok(batch.createdAtMs <= batch.startedAtMs! && batch.startedAtMs! <= batch.finalizingAtMs!);
  ok(batch.finalizingAtMs! <= batch.endedAtMs!);

  const output = await resultLines(batches, batch.outputFileId);
  deepEqual(
    output.map((line) => line.custom_id),
    inputLines(50).map((_, n) => `c${n}`).filter((id) => id !== "c3"),
  );
  deepEqual(output[0], {
    id: output[0]!.id,
    custom_id: "c0",
    response: { status_code: 200, request_id: output[0]!.id, body: { value: 0 } },
    error: null,
  });
  match(output[0]!.id, /^batch_req_[0-9a-f]{32}$/);
  const errors = await resultLines(batches, batch.errorFileId);
  deepEqual(errors.map(({ custom_id, response }) => [custom_id, response!.status_code]), [["c3", 400]]);

  const file = batches.getFile(batch.outputFileId!);
  equal(file.purpose, "batch_output");
  equal(file.sizeBytes, (await new Response(batches.readFile(file.id)).arrayBuffer()).byteLength);
});

Deno.test("a batch whose answers are all fine has no error file, and the other way round", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const good = await ended(batches, (await begin(batches, inputLines(3))).id);
  bed.answer = () => ({ status: 404 });
  const bad = await ended(batches, (await begin(batches, inputLines(3))).id);
  deepEqual([good.errorFileId, bad.outputFileId], [undefined, undefined]);
  deepEqual([good.counts.completed, bad.counts.failed], [3, 3]);
});

Deno.test("a body arrives as it was sent, whatever is in it", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const body = {
    model: "m",
    n: 1,
    text: "ä\u0000\ud83d\ude00\u2028\n",
    __proto__: null,
    deep: [[{ a: 1e21 }]],
  };
  const { id } = await begin(batches, [`\ufeff${inputLine("a", body)}\r`, "", " \r", inputLine("b", body)]);
  equal((await ended(batches, id)).status, "completed");
  deepEqual(bed.asked, [JSON.parse(JSON.stringify(body)), JSON.parse(JSON.stringify(body))]);
});

Deno.test("more than 100 mistakes are not told, and nothing is asked", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await begin(batches, ["good", ...inputLines(5), ...Array(2_000).fill("{")]);
  const batch = await ended(batches, id);
  deepEqual([batch.status, batch.mistakes.length, bed.asked.length], ["failed", 100, 0]);
  deepEqual(batch.mistakes.slice(0, 2).map(({ line }) => line), [1, 7]);
});

Deno.test("a custom id that comes again 3,000 lines later is found", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await begin(batches, [...inputLines(3_000), inputLine("c0")]);
  const { status, mistakes } = await ended(batches, id);
  equal(status, "failed");
  deepEqual(mistakes.map(({ code, line }) => [code, line]), [["duplicate_custom_id", 3_001]]);
  match(mistakes[0]!.message, /line 1 too/);
});

Deno.test("a line of 40 MB is a mistake of its own, and those after it are still looked at", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await begin(batches, [new Uint8Array(40_000_000).fill(0x61), inputLine("a"), "{"]);
  const { mistakes } = await ended(batches, id);
  deepEqual(mistakes.map(({ code, line }) => [code, line]), [["line_too_long", 1], ["invalid_json_line", 3]]);
});

Deno.test("a batch of nothing fails and says so", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { status, mistakes } = await ended(batches, (await begin(batches, ["", " "])).id);
  deepEqual([status, mistakes.map(({ code }) => code)], ["failed", ["empty_file"]]);
});

Deno.test("a failure that passes is asked again after as long as the answer says, and counts no failure", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const failures = [{ status: 500, retryAfterSeconds: 30 }, { status: 429, retryAfterSeconds: 60 }];
  bed.answer = () => failures.shift() ?? {};
  const batches = bed.open({ clock });
  const { id } = await begin(batches, inputLines(1));
  const startMs = clock.now();
  await until(
    () => (clock.advance(1_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  ok(clock.now() - startMs >= 90_000);
  equal(bed.asked.length, 3);
  deepEqual(batches.getBatch(id).counts, { total: 1, completed: 1, failed: 0 });
});

Deno.test("a failure that stays is the result once the retries are used up", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  bed.answer = () => ({ status: 502, body: "gone" });
  const batches = bed.open({ clock, retryCount: 2 });
  const { id } = await begin(batches, inputLines(1));
  await until(
    () => (clock.advance(1_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  equal(bed.asked.length, 3);
  const [line] = await resultLines(batches, batches.getBatch(id).errorFileId);
  deepEqual([line!.response!.status_code, line!.response!.body], [502, "gone"]);
});

Deno.test("a batch waits while nobody has capacity, however long it takes, and holds up no other model", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  let isBack = false;
  bed.answer = ({ model }) => model === "away" && !isBack ? noCapacity() : {};
  const batches = bed.open({ clock, retryCount: 0 });
  const lines = [...inputLines(20, { model: "away" }), inputLine("x", { model: "here" })];
  const { id } = await begin(batches, lines);
  await until(() => (clock.advance(60_000), bed.asked.length > 60), "it was asked often");
  ok(bed.asked.some(({ model }) => model === "here"));
  await until(() => (clock.advance(100), batches.getBatch(id).counts.completed === 1), "the other is done");
  equal(batches.getBatch(id).status, "in_progress");
  isBack = true;
  await until(
    () => (clock.advance(10_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  deepEqual(batches.getBatch(id).counts, { total: 21, completed: 21, failed: 0 });
});

Deno.test("what the sender throws and should not is an answer, and logged", async () => {
  await using bed = await BatchBed.create();
  bed.answer = () => {
    throw new TypeError("a bug");
  };
  const batches = bed.open({ retryCount: 0 });
  const batch = await ended(batches, (await begin(batches, inputLines(2))).id);
  deepEqual([batch.status, batch.counts.failed], ["completed", 2]);
  equal(bed.log.said.filter((said) => said.startsWith("error")).length, 2);
});

Deno.test("cancelling lets what is under way finish, begins nothing, and keeps the answers", async () => {
  await using bed = await BatchBed.create();
  const gate = Promise.withResolvers<void>();
  bed.answer = async ({ n }) => (n! >= 2 && await gate.promise, {});
  const batches = bed.open({ concurrency: 4 });
  const { id } = await begin(batches, inputLines(100));
  await until(
    () => bed.underWayCount === 4 && batches.getBatch(id).counts.completed === 2,
    "4 are under way",
  );
  equal(batches.cancelBatch(id).status, "cancelling");
  equal(batches.cancelBatch(id).status, "cancelling");
  gate.resolve();
  const batch = await ended(batches, id);
  deepEqual([batch.status, batch.counts], ["cancelled", { total: 100, completed: 6, failed: 0 }]);
  equal(bed.asked.length, 6);
  equal((await resultLines(batches, batch.outputFileId)).length, 6);
  equal(batch.errorFileId, undefined);
  throws(() => batches.cancelBatch(id), { code: "conflict" });
});

Deno.test("a batch that is cancelled while its lines are looked at ends without any request", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await begin(batches, inputLines(2_000));
  equal(batches.cancelBatch(id).status, "cancelling");
  const batch = await ended(batches, id);
  deepEqual([batch.status, batch.outputFileId, batch.errorFileId], ["cancelled", undefined, undefined]);
  equal(bed.asked.length, 0);
});

for (
  const { to, refusal } of [
    { to: "status = 'finalizing'", refusal: undefined },
    { to: "status = 'cancelling'", refusal: undefined },
    {
      to: "status = 'completed', ended_at_ms = 1",
      refusal: { code: "conflict", message: /is completed already/ },
    },
  ]
) {
  Deno.test(`a batch that another process moves to ${to} amid its cancelling`, async () => {
    await using bed = await BatchBed.create();
    const clock = new FakeClock();
    bed.answer = async (_, { signal }) => (await untilAborted(signal), signal.throwIfAborted(), {});
    const batches = bed.open({ clock });
    const { id } = await begin(batches, inputLines(2));
    await until(() => bed.underWayCount === 2, "both are under way");
    using sqlite = new DatabaseSync(join(bed.path, "batches.db"));
    const now = clock.now.bind(clock);
    clock.now = () => {
      clock.now = now;
      sqlite.exec(`UPDATE batch SET ${to}`);
      return now();
    };
    if (refusal) throws(() => batches.cancelBatch(id), refusal);
    else equal(batches.cancelBatch(id).status, "cancelling");
  });
}

Deno.test("a batch whose window is over keeps its answers and names the rest", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  bed.answer = async ({ n }, { signal }) => {
    if (n! >= 3) await untilAborted(signal);
    signal.throwIfAborted();
    return {};
  };
  const batches = bed.open({ clock, concurrency: 2 });
  const { id } = await begin(batches, inputLines(10), { completionWindow: "2h" });
  const counted = () => (clock.advance(100), batches.getBatch(id).counts.completed === 3);
  await until(counted, "3 are answered");
  clock.advance(2 * HOUR_MS);
  const batch = await ended(batches, id);
  deepEqual([batch.status, batch.counts], ["expired", { total: 10, completed: 3, failed: 0 }]);
  equal((await resultLines(batches, batch.outputFileId)).length, 3);
  const errors = await resultLines(batches, batch.errorFileId);
  deepEqual(errors.map(({ custom_id }) => custom_id), ["c3", "c4", "c5", "c6", "c7", "c8", "c9"]);
  deepEqual([errors[0]!.response, errors[0]!.error!.code], [null, "batch_expired"]);
});

Deno.test("a batch that expired while no gateway ran ends at the next start", async () => {
  await using bed = await BatchBed.create();
  let id: string;
  {
    bed.answer = async (_, { signal }) => (await untilAborted(signal), signal.throwIfAborted(), {});
    await using batches = bed.open({ clock: new FakeClock() });
    ({ id } = await begin(batches, inputLines(2), { completionWindow: "1h" }));
    await until(() => bed.underWayCount === 2, "both are under way");
  }
  const batches = bed.open({ clock: new FakeClock(1_000_000 + 2 * HOUR_MS) });
  const batch = await ended(batches, id);
  deepEqual([batch.status, (await resultLines(batches, batch.errorFileId)).length], ["expired", 2]);
});

Deno.test("a gateway that stops in the middle goes on at its next start, and asks for no answer that it has", async () => {
  await using bed = await BatchBed.create();
  let id: string;
  {
    bed.answer = async ({ n }, { signal }) => {
      if (n! >= 20) await untilAborted(signal);
      signal.throwIfAborted();
      return {};
    };
    await using batches = bed.open();
    ({ id } = await begin(batches, inputLines(100)));
    await until(() => bed.underWayCount === 8 && bed.asked.length === 28, "8 of them hang");
  }
  equal(bed.underWayCount, 0);
  bed.asked.length = 0;
  bed.answer = () => ({});
  const batches = bed.open();
  deepEqual(batches.getBatch(id).counts, { total: 100, completed: 20, failed: 0 });
  const batch = await ended(batches, id);
  deepEqual(batch.counts, { total: 100, completed: 100, failed: 0 });
  deepEqual(
    bed.asked.map(({ n }) => n).sort((a, b) => a! - b!),
    Array.from({ length: 80 }, (_, n) => n + 20),
  );
});

Deno.test("two gateways with one directory do not run a batch twice; the second takes over", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const first = bed.open({ clock });
  const second = bed.open({ clock });
  bed.answer = async (_, { signal }) => (await untilAborted(signal), signal.throwIfAborted(), {});
  const { id } = await begin(second, inputLines(5));
  await until(() => (clock.advance(1_000), bed.underWayCount === 5), "the first has found it");
  equal(second.getBatch(id).status, "in_progress");
  ok(bed.log.said.includes("warn batches are run by another process with the same state_dir"));
  bed.answer = () => ({});
  await first[Symbol.asyncDispose]();
  await until(
    () => (clock.advance(1_000), second.getBatch(id).endedAtMs !== undefined),
    "the second has ended it",
  );
  equal(second.getBatch(id).counts.completed, 5);
  equal(bed.log.said.filter((said) => said === "info batches are run by this process from now on").length, 1);
});

Deno.test("no more requests than allowed are under way, over all batches, in fair turns", async () => {
  await using bed = await BatchBed.create();
  const config = batchConfig(bed.path, { concurrency: 4 });
  let most = 0;
  bed.answer = async () => {
    most = Math.max(most, bed.underWayCount);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return {};
  };
  const batches = bed.open({ config });
  const long = await begin(batches, inputLines(400, { model: "long" }));
  await until(() => bed.asked.length > 20, "the long one is under way");
  const short = await begin(batches, inputLines(20, { model: "short" }));
  await ended(batches, short.id);
  equal(batches.getBatch(long.id).status, "in_progress", "the short one had to wait for the long one");
  equal(most, 4);
  Object.assign(config.batch, { concurrency: 6 });
  await ended(batches, long.id);
  equal(most, 6);
});

Deno.test("an input whose content is gone fails the batch", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await upload(batches, inputLines(2));
  Deno.removeSync(`${bed.path}/files/${id}`);
  const options = {
    inputFileId: id,
    endpoint: "/v1/embeddings",
    completionWindow: "24h",
    metadata: {},
  } as const;
  const batch = await ended(batches, batches.createBatch(options).id);
  deepEqual([batch.status, batch.mistakes.map(({ code }) => code)], ["failed", ["file_not_found"]]);
});

Deno.test("results that the disk refuses are kept until it takes them, and nothing more is asked meanwhile", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const batches = bed.open({ clock });
  using sqlite = new DatabaseSync(join(bed.path, "batches.db"));
  bed.answer = ({ n }) => {
    if (n === 0) sqlite.exec("ALTER TABLE result RENAME TO gone");
    return {};
  };
  const { id } = await begin(batches, inputLines(2_000));
  await until(() => bed.log.said.includes("warn state cannot be written"), "the disk refuses");
  await until(() => (clock.advance(1_000), bed.underWayCount === 0), "nothing is under way");
  const askedCount = bed.asked.length;
  for (let count = 0; count < 20; count++) clock.advance(1_000);
  equal(bed.asked.length, askedCount);
  ok(askedCount < 300, `${askedCount} were asked`);
  equal(batches.getBatch(id).counts.completed, 0);

  sqlite.exec("ALTER TABLE gone RENAME TO result");
  await until(
    () => (clock.advance(1_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  equal(batches.getBatch(id).counts.completed, 2_000);
  equal(bed.asked.length, 2_000, "some were asked twice");
});

Deno.test("results that cannot be put together for now are later", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const batches = bed.open({ clock });
  const [folder, away] = [join(bed.path, "files"), join(bed.path, "away")];
  bed.answer = ({ n }) => {
    if (n === 9) Deno.renameSync(folder, away), Deno.writeTextFileSync(folder, "in the way");
    return {};
  };
  const { id } = await begin(batches, inputLines(10));
  const isTold = () => (clock.advance(100), bed.log.said.includes("warn batch cannot go on for now"));
  await until(isTold, "it is told");
  equal(batches.getBatch(id).status, "finalizing");
  Deno.removeSync(folder);
  Deno.renameSync(away, folder);
  await until(
    () => (clock.advance(1_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  equal((await resultLines(batches, batches.getBatch(id).outputFileId)).length, 10);
});

Deno.test("an input that cannot be read for now is read later, and no request is lost", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const batches = bed.open({ clock, concurrency: 1 });
  const [folder, away] = [join(bed.path, "files"), join(bed.path, "away")];
  bed.answer = ({ n }) => {
    if (n === 4) Deno.renameSync(folder, away);
    return {};
  };
  const { id } = await begin(batches, inputLines(10));
  const isTold = () => (clock.advance(100), bed.log.said.includes("warn input of a batch cannot be read"));
  await until(isTold, "it is told");
  Deno.renameSync(away, folder);
  await until(
    () => (clock.advance(1_000), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  equal(batches.getBatch(id).counts.completed, 10);
  equal(bed.asked.length, 10);
});

for (
  const { name, lose, code } of [
    { name: "is gone", lose: (path: string) => Deno.removeSync(path), code: 404 },
    { name: "was cut off", lose: (path: string) => Deno.truncateSync(path, 10), code: 400 },
  ]
) {
  Deno.test(`a batch whose input ${name} after it began has answers for all lines, and ends`, async () => {
    await using bed = await BatchBed.create();
    const batches = bed.open({ concurrency: 1 });
    bed.answer = ({ n }) => {
      if (n === 4) lose(join(bed.path, "files", batches.listFiles({ limit: 1 }).items[0]!.id));
      return {};
    };
    const batch = await ended(batches, (await begin(batches, inputLines(10))).id);
    deepEqual([batch.status, batch.counts], ["completed", { total: 10, completed: 5, failed: 5 }]);
    const errors = await resultLines(batches, batch.errorFileId);
    deepEqual(errors.map(({ response }) => response!.status_code), Array(5).fill(code));
  });
}

Deno.test("an input that was changed since the batch began is told line by line", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open({ concurrency: 1 });
  bed.answer = () => {
    const path = join(bed.path, "files", batches.listFiles({ limit: 1 }).items[0]!.id);
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replaceAll("POST", "GET!"));
    return {};
  };
  const batch = await ended(batches, (await begin(batches, inputLines(3))).id);
  deepEqual(batch.counts, { total: 3, completed: 1, failed: 2 });
  const errors = await resultLines(batches, batch.errorFileId);
  deepEqual(errors.map(({ response }) => response!.status_code), [400, 400]);
});
