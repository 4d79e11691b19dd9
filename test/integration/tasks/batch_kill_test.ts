import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLogger } from "../../../lib/log.ts";
import { OwnerLock } from "../../../lib/tasks/owner_lock.ts";
import { BatchBed, begin, ended, inputLines, resultLines } from "../../fixtures/batch_bed.ts";
import { until } from "../../fixtures/until.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/batch_program.ts", import.meta.url));
const LINE_COUNT = 2_000;

/** The batches in a process of their own. It kills itself at that status of a batch. */
function spawn(bed: BatchBed, asked: string, status?: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", PROGRAM, bed.path, asked, ...status === undefined ? [] : [status]],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

/** Runs the batches, and kills their process without warning once it has sent that many more requests. */
async function runAndKill(bed: BatchBed, asked: string, moreCount: number): Promise<void> {
  const before = countLines(asked);
  const child = spawn(bed, asked);
  try {
    await until(() => countLines(asked) >= before + moreCount, "requests are sent", { withinMs: 30_000 });
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
  }
}

/** Runs the batches until their process kills itself at that status of a batch. */
async function runUntilKilled(bed: BatchBed, asked: string, status: string): Promise<void> {
  const child = spawn(bed, asked, status);
  let isGone = false;
  const gone = child.status.then(() => isGone = true);
  try {
    await until(() => isGone, `a batch is ${status}`, { withinMs: 30_000 });
  } finally {
    if (!isGone) child.kill("SIGKILL");
    await gone;
    await child.stdin.close().catch(() => {});
  }
}

function countLines(path: string): number {
  try {
    return Deno.readFileSync(path).filter((byte) => byte === 0x0a).length;
  } catch {
    return 0;
  }
}

Deno.test("a batch whose gateway is killed again and again has each result once", async () => {
  await using bed = await BatchBed.create();
  const asked = join(bed.path, "asked");
  let id: string;
  {
    bed.answer = (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    await using batches = bed.open();
    ({ id } = await begin(batches, inputLines(LINE_COUNT)));
  }
  for (const moreCount of [1, 300, 450, 250, 400]) await runAndKill(bed, asked, moreCount);
  const askedBefore = countLines(asked);
  ok(askedBefore > 1_300);

  bed.answer = ({ n }) => n! % 100 === 7 ? { status: 400 } : {};
  await using batches = bed.open();
  const found = batches.getBatch(id);
  ok(found.counts.completed > 500, `only ${found.counts.completed} results outlived the kills`);
  const batch = await ended(batches, id);
  equal(batch.status, "completed");
  deepEqual(batch.counts, { total: LINE_COUNT, completed: 1_980, failed: 20 });

  const output = await resultLines(batches, batch.outputFileId);
  const errors = await resultLines(batches, batch.errorFileId);
  const all = Array.from({ length: LINE_COUNT }, (_, n) => n);
  deepEqual(output.map((line) => line.custom_id), all.filter((n) => n % 100 !== 7).map((n) => `c${n}`));
  deepEqual(errors.map((line) => line.custom_id), all.filter((n) => n % 100 === 7).map((n) => `c${n}`));
  deepEqual(
    output.map(({ response }) => (response!.body as { n: number }).n),
    all.filter((n) => n % 100 !== 7),
  );
});

Deno.test("a gateway that is killed between two steps of a batch takes it up at the next start", async () => {
  await using bed = await BatchBed.create();
  const asked = join(bed.path, "asked");
  let id: string;
  {
    using lock = new OwnerLock(join(bed.path, "batches.db.owner"), { logger: silentLogger });
    ok(lock.take());
    await using batches = bed.open(); // somebody else has the lock, so nothing begins
    ({ id } = await begin(batches, inputLines(300)));
  }
  for (const status of ["in_progress", "finalizing", "completed"]) {
    await runUntilKilled(bed, asked, status);
  }
  equal(countLines(asked), 300, "it asked again for what it had");
  await using batches = bed.open();
  const batch = batches.getBatch(id);
  deepEqual([batch.status, batch.counts.completed, batch.counts.failed], ["completed", 297, 3]);
  equal((await resultLines(batches, batch.outputFileId)).length, 297);
  equal(countLines(join(bed.path, "files", batch.errorFileId!)), 3);
});
