import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Batches } from "../../../lib/tasks/batches.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { BatchBed, begin, ended, inputLines, upload } from "../../fixtures/batch_bed.ts";
import { until } from "../../fixtures/until.ts";

const HOUR_MS = 3_600_000;

/** A stream of that many chunks of 64 KiB, and how many of them were taken. */
function chunks(
  count: number,
): { stream: ReadableStream<Uint8Array>; taken: () => number; wasCancelled: () => boolean } {
  let taken = 0;
  let wasCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken++ < count) controller.enqueue(new Uint8Array(65_536));
      else controller.close();
    },
    cancel: () => void (wasCancelled = true),
  });
  return { stream, taken: () => taken, wasCancelled: () => wasCancelled };
}

/** Names of what lies in the folder of files. */
function namesIn(bed: BatchBed): string[] {
  return [...Deno.readDirSync(join(bed.path, "files"))].map(({ name }) => name);
}

function addText(batches: Batches, name: string, text: string) {
  return batches.addFile(name, new Blob([text]).stream());
}

Deno.test("a file is kept over a restart, byte for byte, and nobody else can read it", async () => {
  await using bed = await BatchBed.create();
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  let id: string;
  {
    await using batches = bed.open();
    ({ id } = await batches.addFile("a.jsonl", new Blob([bytes]).stream()));
  }
  const batches = bed.open();
  const { name, sizeBytes, purpose } = batches.getFile(id);
  deepEqual([name, sizeBytes, purpose], ["a.jsonl", 60_000, "batch"]);
  deepEqual(new Uint8Array(await new Response(batches.readFile(id)).arrayBuffer()), bytes);
  equal((Deno.statSync(join(bed.path, "files", id)).mode! & 0o777).toString(8), "600");
  deepEqual(namesIn(bed), [id]);
});

Deno.test("a file that is too large is refused as soon as that is known, and leaves nothing", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open({ fileBytes: 300_000 });
  const { stream, taken, wasCancelled } = chunks(10_000);
  await rejects(batches.addFile("big", stream), {
    code: "too_large",
    message: /293\.0 KiB.*batch\.max_file/,
  });
  ok(taken() < 10, `${taken()} chunks were taken`);
  ok(wasCancelled());
  deepEqual(namesIn(bed), []);
  deepEqual(batches.listFiles({ limit: 10 }).items, []);
});

Deno.test("an upload that breaks off leaves nothing", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const reason = new Error("the client left");
  let count = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (count++ < 3) controller.enqueue(new Uint8Array(1_000));
      else controller.error(reason);
    },
  });
  await rejects(batches.addFile("a", stream), reason);
  deepEqual(namesIn(bed), []);
});

for (
  const { name, said, shown } of [
    { name: "a path", said: "../../etc/passwd", shown: "../../etc/passwd" },
    { name: "no name", said: "", shown: "unnamed" },
    { name: "control characters", said: "a\u0000b\u001b[31m\n", shown: "a\ufffdb\ufffd[31m\ufffd" },
    { name: "half a character", said: "a\ud800", shown: "a\ufffd" },
    { name: "a novel", said: "n".repeat(10_000), shown: "n".repeat(255) },
  ]
) {
  Deno.test(`a file whose name is ${name} is only shown by it`, async () => {
    await using bed = await BatchBed.create();
    const batches = bed.open();
    const { id } = await addText(batches, said, "x");
    equal(batches.getFile(id).name, shown);
    deepEqual(namesIn(bed), [id]);
  });
}

for (const id of ["../batches.db", "file-../../batches.db", "", "file-", "\u0000", "x".repeat(100_000)]) {
  Deno.test(`no file has the id ${JSON.stringify(id.slice(0, 30))}`, async () => {
    await using bed = await BatchBed.create();
    const batches = bed.open();
    for (const use of [batches.getFile, batches.readFile, batches.removeFile]) {
      throws(() => use.call(batches, id), { code: "not_found" });
    }
    ok(Deno.statSync(join(bed.path, "batches.db")).isFile);
  });
}

Deno.test("a row that names another path is no file", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await addText(batches, "a", "x");
  {
    using database = new DatabaseSync(join(bed.path, "batches.db"));
    database.prepare("UPDATE file SET id = ? WHERE id = ?").run("../batches.db", id);
  }
  throws(() => batches.readFile("../batches.db"), { code: "not_found" });
});

Deno.test("where files cannot be written, an upload says so, and the gateway goes on", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  Deno.writeTextFileSync(join(bed.path, "files"), "in the way");
  await rejects(addText(batches, "a", "x"), { code: "upstream_failed", message: /Cannot write .*state_dir/ });
  deepEqual(batches.listFiles({ limit: 1 }).items, []);
});

Deno.test("where the state cannot be kept, nothing new is begun, and what is there can be read", async () => {
  await using bed = await BatchBed.create();
  let fileId: string;
  {
    await using batches = bed.open();
    ({ id: fileId } = await upload(batches, inputLines(2)));
  }
  {
    using newer = new DatabaseSync(join(bed.path, "batches.db"));
    newer.exec("PRAGMA user_version = 99");
  }
  const batches = bed.open();
  equal(batches.getFile(fileId).sizeBytes > 0, true);
  await rejects(addText(batches, "a", "x"), { code: "upstream_failed" });
  const options = {
    inputFileId: fileId,
    endpoint: "/v1/embeddings",
    completionWindow: "24h",
    metadata: {},
  } as const;
  throws(() => batches.createBatch(options), { code: "upstream_failed" });
  deepEqual(batches.listBatches({ limit: 1 }).items, []);
  deepEqual(bed.log.said, ["warn state cannot be kept and is in memory only"]);
});

Deno.test("a damaged database is set aside with a word on what is lost, and the files stay", async () => {
  await using bed = await BatchBed.create();
  {
    await using batches = bed.open();
    await ended(batches, (await begin(batches, inputLines(2))).id);
  }
  const before = namesIn(bed).toSorted();
  Deno.writeFileSync(join(bed.path, "batches.db"), crypto.getRandomValues(new Uint8Array(20_000)));
  bed.log.lines.length = 0;
  const batches = bed.open();
  deepEqual(bed.log.said, ["warn state damaged and begun anew"]);
  match(String(bed.log.lines[0]!["lost"]), /batches/);
  const next = await ended(batches, (await begin(batches, inputLines(2))).id);
  equal(next.status, "completed");
  ok(before.every((name) => namesIn(bed).includes(name)));
});

Deno.test("the input of a batch that runs cannot be removed", async () => {
  await using bed = await BatchBed.create();
  const gate = Promise.withResolvers<void>();
  bed.answer = async () => (await gate.promise, {});
  const batches = bed.open();
  const { id, inputFileId } = await begin(batches, inputLines(2));
  throws(() => batches.removeFile(inputFileId), { code: "conflict" });
  gate.resolve();
  await ended(batches, id);
  batches.removeFile(inputFileId);
  throws(() => batches.getFile(inputFileId), { code: "not_found" });
});

Deno.test("batches and files that are old are removed, and what is used is kept", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  const batches = bed.open({ clock, keepMs: 10 * HOUR_MS });
  const { id, inputFileId } = await begin(batches, inputLines(2));
  await until(
    () => (clock.advance(100), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  const { outputFileId } = batches.getBatch(id);
  for (let hour = 0; hour < 9; hour++) clock.advance(HOUR_MS);
  await upload(batches, ["fresh"]);
  equal(batches.getBatch(id).status, "completed");
  const isGone = () => (clock.advance(HOUR_MS / 4), batches.listBatches({ limit: 10 }).items.length === 0);
  await until(isGone, "the batch is removed");
  for (const file of [inputFileId, outputFileId!]) throws(() => batches.getFile(file), { code: "not_found" });
  const names = [...Deno.readDirSync(`${bed.path}/files`)].map(({ name }) => name);
  deepEqual(names, batches.listFiles({ limit: 10 }).items.map(({ id }) => id));
});

Deno.test("the room that a large batch took is given back to the disk", async () => {
  await using bed = await BatchBed.create();
  const clock = new FakeClock();
  bed.answer = () => ({ body: "x".repeat(20_000) });
  const batches = bed.open({ clock });
  const sizeBytes = () => Deno.statSync(join(bed.path, "batches.db")).size;
  const { id } = await begin(batches, inputLines(500));
  await until(
    () => (clock.advance(100), batches.getBatch(id).endedAtMs !== undefined),
    "the batch has ended",
  );
  {
    using sqlite = new DatabaseSync(join(bed.path, "batches.db"));
    sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    ok(sizeBytes() > 5_000_000);
  }
  const isSmall = () => {
    clock.advance(HOUR_MS);
    using sqlite = new DatabaseSync(join(bed.path, "batches.db"));
    sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return sizeBytes() < 1_000_000;
  };
  await until(isSmall, "the file is small again");
});

Deno.test("all files together have a limit, those that are still sent included", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open({ fileBytes: 1_000 });
  const { writable, readable } = new TransformStream<Uint8Array, Uint8Array>();
  const slow = batches.addFile("slow", readable);
  const sender = writable.getWriter();
  await sender.write(new Uint8Array(900));
  for (let count = 0; count < 49; count++) await addText(batches, "a", "x".repeat(1_000));
  await rejects(addText(batches, "b", "x".repeat(101)), {
    code: "too_large",
    message: /all files together may have 48\.8 KiB, 50 times batch\.max_file, .*DELETE/,
  });
  await addText(batches, "b", "x".repeat(100));
  const refused = rejects(slow, { code: "too_large" });
  await sender.write(new Uint8Array(1)).catch(() => {});
  await refused;
  equal((await addText(batches, "c", "x".repeat(900))).sizeBytes, 900);
  await rejects(addText(batches, "d", "x"), { code: "too_large" });
  batches.removeFile(batches.listFiles({ limit: 1 }).items[0]!.id);
  await addText(batches, "d", "x");
});

Deno.test("rows that cannot be read hide no others behind them", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const ids: string[] = [];
  for (let count = 0; count < 6; count++) ids.unshift((await addText(batches, "a", "x")).id);
  {
    using database = new DatabaseSync(join(bed.path, "batches.db"));
    for (const id of [ids[0], ids[1], ids[3]]) {
      database.prepare("UPDATE file SET purpose = 'none' WHERE id = ?").run(id!);
    }
  }
  const listed: string[] = [];
  for (let hasMore = true; hasMore;) {
    const page = batches.listFiles({ limit: 2, after: listed.at(-1) });
    listed.push(...page.items.map(({ id }) => id));
    ({ hasMore } = page);
  }
  deepEqual(listed, [ids[2], ids[4], ids[5]]);
});

Deno.test("files of one purpose are found among 10,000 others without delay", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const { id } = await addText(batches, "a", "x");
  {
    using database = new DatabaseSync(join(bed.path, "batches.db"));
    database.exec(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      INSERT INTO file (id, name, purpose, size_bytes, created_at_ms)
      SELECT 'file-o' || i, 'o', 'batch_output', 1, 1 FROM n`);
  }
  const page = batches.listFiles({ limit: 1, purpose: "batch" });
  deepEqual([page.items.map((file) => file.id), page.hasMore], [[id], false]);
  const others = batches.listFiles({ limit: 3, purpose: "batch_output" });
  deepEqual([others.items.map((file) => file.id), others.hasMore], [[
    "file-o10000",
    "file-o9999",
    "file-o9998",
  ], true]);
});

Deno.test("lists come newest first, page by page", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.unshift((await begin(batches, inputLines(1))).id);
  for (const id of ids) await ended(batches, id);
  const first = batches.listBatches({ limit: 2 });
  const rest = batches.listBatches({ limit: 10, after: first.items[1]!.id });
  deepEqual([...first.items, ...rest.items].map(({ id }) => id), ids);
  deepEqual([first.hasMore, rest.hasMore], [true, false]);
  equal(batches.listFiles({ limit: 3 }).items.length, 3);
  throws(() => batches.listBatches({ limit: 2, after: "batch_none" }), { code: "not_found" });
  throws(() => batches.listFiles({ limit: 2, after: "file-none" }), { code: "not_found" });
});

Deno.test("a batch is refused for a file of results, and for one that is not there", async () => {
  await using bed = await BatchBed.create();
  const batches = bed.open();
  const done = await ended(batches, (await begin(batches, inputLines(1))).id);
  const create = (inputFileId: string) => () =>
    batches.createBatch({ inputFileId, endpoint: "/v1/embeddings", completionWindow: "24h", metadata: {} });
  throws(create(done.outputFileId!), { code: "invalid_request", field: "input_file_id" });
  throws(create("file-none"), { code: "not_found" });
  throws(create("../batches.db"), { code: "not_found" });
  throws(() => batches.getBatch("batch_none"), { code: "not_found" });
});
