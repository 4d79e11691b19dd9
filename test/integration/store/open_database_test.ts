import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { BackendStore } from "../../../lib/store/backend_store.ts";
import type { Database } from "../../../lib/store/database.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const WRITER = fileURLToPath(new URL("../../fixtures/state_writer.ts", import.meta.url));
const BACKEND = { endpoint: "10.0.0.1:50052", source: "admin", limits: UNLIMITED, addedAtMs: 7 } as const;

/** The bits that say who may read and write. */
function permissions(path: string): string {
  return (Deno.statSync(path).mode! & 0o777).toString(8);
}

function storeIn(database: Database, state: StateDirectory): BackendStore {
  return new BackendStore(database, { logger: state.log.logger });
}

/** A closed file with one backend in it. */
function begin(state: StateDirectory): void {
  using database = state.open();
  ok(storeIn(database, state).put(BACKEND));
}

/** Puts other bytes in place of a closed file. */
function replaceFile(state: StateDirectory, change: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  begin(state);
  const bytes = change(Deno.readFileSync(state.file));
  Deno.writeFileSync(state.file, bytes);
  return bytes;
}

Deno.test("openDatabase() makes a file and a directory that nobody else can read", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  ok(storeIn(database, state).put(BACKEND));
  equal(permissions(dirname(state.file)), "700");
  equal(permissions(state.file), "600");
  equal(permissions(`${state.file}-wal`), "600");
  deepEqual(state.log.lines, []);
});

Deno.test("openDatabase() takes the others' rights from a file that has them", async () => {
  await using state = await StateDirectory.create();
  begin(state);
  Deno.chmodSync(state.file, 0o644);
  using _database = state.open();
  equal(permissions(state.file), "600");
});

Deno.test("openDatabase() flushes each commit, so that a power failure costs nothing", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const pragma = (name: string) =>
    database.read((sqlite) => sqlite.prepare(`PRAGMA ${name}`).get(), undefined);
  equal(pragma("journal_mode")?.["journal_mode"], "wal");
  equal(pragma("synchronous")?.["synchronous"], 2, "not FULL");
});

const DAMAGES: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  "random bytes": () => crypto.getRandomValues(new Uint8Array(20_000)),
  "a few bytes": () => new TextEncoder().encode("SQLite format 3\0 and then nothing"),
  "a text": () => new TextEncoder().encode("listen: 11435\n".repeat(1_000)),
  "a file cut off in its pages": (bytes) => bytes.subarray(0, bytes.length - 5_000),
  "a file with pages overwritten": (bytes) => bytes.fill(0xaa, 4_096, 4_096 * 3),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`openDatabase() sets ${name} aside, byte for byte, and begins anew`, async () => {
    await using state = await StateDirectory.create();
    const damaged = replaceFile(state, damage);
    {
      using database = state.open();
      deepEqual(storeIn(database, state).list(), []);
      ok(storeIn(database, state).put(BACKEND), "the new file is not kept");
    }
    deepEqual(state.log.said, ["warn state damaged and begun anew"]);
    const [line] = state.log.lines;
    match(String(line!["setAside"]), /sollol\.db\.corrupt-\d{4}-\d\d-\d\dT/);
    deepEqual(Deno.readFileSync(String(line!["setAside"])), damaged);
    using again = state.open();
    equal(storeIn(again, state).list().length, 1);
    equal(state.log.lines.length, 1, "warned again");
  });
}

for (const kind of ["a directory", "a link to a device"]) {
  Deno.test(`openDatabase() sets ${kind} aside, and begins anew`, async () => {
    await using state = await StateDirectory.create();
    Deno.mkdirSync(kind === "a directory" ? join(state.file, "inside") : dirname(state.file), {
      recursive: true,
    });
    if (kind === "a link to a device") Deno.symlinkSync("/dev/full", state.file);
    using database = state.open();
    ok(storeIn(database, state).put(BACKEND));
    deepEqual(state.log.said, ["warn state damaged and begun anew"]);
    ok(Deno.lstatSync(String(state.log.lines[0]!["setAside"])));
  });
}

Deno.test("openDatabase() never overwrites what it set aside before", async () => {
  await using state = await StateDirectory.create();
  for (const text of ["one", "two", "three"]) {
    replaceFile(state, () => new TextEncoder().encode(text.repeat(2_000)));
    state.open()[Symbol.dispose]();
  }
  const aside = state.names().filter((name) => name.includes("corrupt"));
  const starts = aside.map((name) => Deno.readTextFileSync(join(dirname(state.file), name)).slice(0, 3));
  deepEqual(starts.sort(), ["one", "thr", "two"]);
});

Deno.test("openDatabase() uses an empty file, and says that something may be lost", async () => {
  await using state = await StateDirectory.create();
  replaceFile(state, () => new Uint8Array());
  using database = state.open();
  ok(storeIn(database, state).put(BACKEND));
  deepEqual(state.log.said, ["warn state was an empty file and is begun anew"]);
  deepEqual(state.names(), ["sollol.db", "sollol.db-shm", "sollol.db-wal", "sollol.db.lock"]);
});

Deno.test("openDatabase() leaves the file of a newer sollol as it is, and reads what it can", async () => {
  await using state = await StateDirectory.create();
  begin(state);
  {
    using newer = new DatabaseSync(state.file);
    newer.exec("CREATE TABLE later (what TEXT); PRAGMA user_version = 99");
  }
  const before = Deno.readFileSync(state.file);
  {
    using database = state.open();
    equal(database.path, undefined);
    deepEqual(storeIn(database, state).list(), [BACKEND]);
    equal(storeIn(database, state).put({ ...BACKEND, endpoint: "10.0.0.2:1" }), false, "said to be kept");
    equal(storeIn(database, state).list().length, 2, "not even in memory");
  }
  deepEqual(Deno.readFileSync(state.file), before);
  deepEqual(state.log.said, ["warn state cannot be kept and is in memory only"]);
  match(String(state.log.lines[0]!["reason"]), /schema is 99, this one knows up to \d+; upgrade sollol/);
});

Deno.test("openDatabase() reads a file that cannot be written, and goes on in memory", async () => {
  await using state = await StateDirectory.create();
  begin(state);
  Deno.mkdirSync(`${state.file}-wal`); // also root, who may write everything, cannot write a log there
  using database = state.open();
  equal(database.path, undefined);
  deepEqual(storeIn(database, state).list(), [BACKEND]);
  equal(storeIn(database, state).remove(BACKEND.endpoint), false, "said to be kept");
  deepEqual(storeIn(database, state).list(), []);
  deepEqual(state.log.said, ["warn state cannot be kept and is in memory only"]);
});

Deno.test("openDatabase() reads a file of an older sollol that cannot be written", async () => {
  await using state = await StateDirectory.create();
  begin(state);
  {
    using older = new DatabaseSync(state.file);
    older.exec("DROP TABLE running_process; PRAGMA user_version = 1");
  }
  Deno.mkdirSync(`${state.file}-wal`);
  using database = state.open();
  deepEqual(storeIn(database, state).list(), [BACKEND]);
});

for (
  const [where, make] of Object.entries({
    "no directory can be made": (directory: string) =>
      Deno.writeTextFileSync(directory, "a file in its place"),
    "the file is on a disk that is not there": (directory: string) => {
      Deno.mkdirSync(directory);
      Deno.symlinkSync("/disk/not/there", join(directory, "sollol.db"));
    },
  })
) {
  Deno.test(`openDatabase() goes on in memory where ${where}`, async () => {
    await using state = await StateDirectory.create();
    make(dirname(state.file));
    using database = state.open();
    equal(storeIn(database, state).put(BACKEND), false);
    deepEqual(storeIn(database, state).list(), [BACKEND]);
    deepEqual(state.log.said, ["warn state cannot be kept and is in memory only"]);
  });
}

Deno.test("write() says once that the disk is full, and once that it is not any more", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const store = storeIn(database, state);
  const limit = (pages: number) =>
    database.read((sqlite) => sqlite.exec(`PRAGMA max_page_count = ${pages}`), undefined);
  const fill = (from: number) =>
    Array.from({ length: 200 }, (_, index) => store.put({ ...BACKEND, endpoint: `full-${from + index}:1` }));
  limit(1);
  const kept = fill(0);
  ok(kept.includes(false), "it never was full");
  equal(store.list().length, kept.filter(Boolean).length, "a change that failed is there all the same");
  deepEqual(state.log.said, ["warn state cannot be written"]);
  ok(fill(1_000).includes(false));
  deepEqual(state.log.said, ["warn state cannot be written"], "not once");
  limit(100_000);
  ok(store.put(BACKEND));
  equal(state.log.said.at(-1), "info state can be written again");
});

Deno.test("write() makes a change whole or not at all, and lets a mistake in the program through", async () => {
  await using state = await StateDirectory.create();
  using database = state.open();
  const change = () =>
    database.write((sqlite) => {
      sqlite.exec("INSERT INTO backend VALUES ('a:1', 'admin', NULL, 0, NULL, 1)");
      throw new TypeError("a mistake");
    });
  throws(change, TypeError);
  deepEqual(storeIn(database, state).list(), []);
  ok(storeIn(database, state).put(BACKEND), "the transaction is still open");
});

/** Starts a writer; resolves once it has written. Killed with its test. */
async function startWriter(state: StateDirectory, name: string, count: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", WRITER, state.file, name, String(count)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    said: new TextDecoder().decode(value),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, reader.cancel(), child.stdin.abort().catch(() => {})]);
    },
  };
}

Deno.test("what was written is there after a SIGKILL", async () => {
  await using state = await StateDirectory.create();
  {
    await using writer = await startWriter(state, "host", 20);
    equal(writer.said, "kept");
  }
  ok(state.names().includes("sollol.db-wal"), "it ended in order: nothing was shown");
  using database = state.open();
  equal(storeIn(database, state).list().length, 20);
  deepEqual(state.log.lines, []);
});

for (const start of ["a new file", "a damaged file"]) {
  Deno.test(`four processes that begin with ${start} at once lose nothing of each other`, async () => {
    await using state = await StateDirectory.create();
    if (start === "a damaged file") replaceFile(state, () => crypto.getRandomValues(new Uint8Array(20_000)));
    await using stack = new AsyncDisposableStack();
    const writers = await Promise.all(["a", "b", "c", "d"].map((name) => startWriter(state, name, 20)));
    for (const writer of writers) stack.use(writer);
    deepEqual(writers.map(({ said }) => said), ["kept", "kept", "kept", "kept"]);
    using database = state.open();
    equal(storeIn(database, state).list().length, 80);
    const aside = state.names().filter((name) => name.includes("corrupt"));
    equal(aside.length, start === "a damaged file" ? 1 : 0, aside.join());
  });
}
