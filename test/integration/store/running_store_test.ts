import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type RunningProcess, RunningStore } from "../../../lib/store/running_store.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const FIRST: RunningProcess = {
  pid: 4711,
  startTicks: 2_278_693,
  bootId: "ca54e09c-b3cb-4cc1-b697-0ee095e88f4b",
  pidNamespace: "pid:[4026531836]",
  words: ["-m", `/models/it's "quoted", \n split.gguf`],
  model: "llama3.2",
  ownerPid: 1,
  ownerStartTicks: 5,
};

/** Does something with the store of one run of the gateway. */
function run<T>(state: StateDirectory, use: (store: RunningStore) => T): T {
  using database = state.open();
  return use(new RunningStore(database, { logger: state.log.logger }));
}

Deno.test("processes are there after a restart, until they are removed", async () => {
  await using state = await StateDirectory.create();
  const second = { ...FIRST, pid: 4712, model: "qwen2.5" };
  run(state, (store) => ok(store.put(FIRST) && store.put(second)));
  deepEqual(run(state, (store) => store.list()), [FIRST, second]);
  run(state, (store) => ok(store.remove(FIRST)));
  deepEqual(run(state, (store) => store.list()), [second]);
  run(state, (store) => ok(store.remove(FIRST), "the second time"));
});

Deno.test("a pid that was given away again is another process", async () => {
  await using state = await StateDirectory.create();
  const later = { ...FIRST, startTicks: FIRST.startTicks + 1 };
  const elsewhere = { ...FIRST, pidNamespace: "pid:[1]" };
  const afterReboot = { ...FIRST, bootId: "another" };
  run(state, (store) => {
    for (const process of [FIRST, later, elsewhere, afterReboot]) store.put(process);
    store.remove(FIRST);
    deepEqual(store.list(), [later, elsewhere, afterReboot]);
  });
});

Deno.test("put() replaces what was said of the same process", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    store.put(FIRST);
    store.put({ ...FIRST, model: "other" });
    deepEqual(store.list().map(({ model }) => model), ["other"]);
  });
});

Deno.test("records that nobody can judge do not pile up", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    for (let pid = 2; pid < 302; pid++) store.put({ ...FIRST, pid, pidNamespace: "pid:[1]" });
    deepEqual([store.list().length, store.list()[0]?.pid, store.list().at(-1)?.pid], [256, 46, 301]);
  });
});

const BAD_ROWS = {
  "pid 0, a signal to which reaches ourselves": `(0, 1, 'b', 'n', '["-m"]', 'm', 1, 1)`,
  "pid 1, a signal to which reaches everybody": `(1, 1, 'b', 'n', '["-m"]', 'm', 1, 1)`,
  "a negative pid": `(-5, 1, 'b', 'n', '["-m"]', 'm', 1, 1)`,
  "a pid beyond all numbers": `(9223372036854775807, 1, 'b', 'n', '["-m"]', 'm', 1, 1)`,
  "a negative start time": `(5, -1, 'b', 'n', '["-m"]', 'm', 1, 1)`,
  "no start of the host": `(5, 1, '', 'n', '["-m"]', 'm', 1, 1)`,
  "no container": `(5, 1, 'b', '', '["-m"]', 'm', 1, 1)`,
  "no words, which every command line holds": `(5, 1, 'b', 'n', '[]', 'm', 1, 1)`,
  "an empty word": `(5, 1, 'b', 'n', '[""]', 'm', 1, 1)`,
  "words that are no list": `(5, 1, 'b', 'n', '"-m"', 'm', 1, 1)`,
  "words that are cut off": `(5, 1, 'b', 'n', '["-m', 'm', 1, 1)`,
  "no owner": `(5, 1, 'b', 'n', '["-m"]', 'm', 0, 1)`,
};

for (const [name, values] of Object.entries(BAD_ROWS)) {
  Deno.test(`list() skips a row with ${name}, and says so`, async () => {
    await using state = await StateDirectory.create();
    run(state, (store) => store.put(FIRST));
    {
      using byHand = new DatabaseSync(state.file);
      byHand.exec(`INSERT INTO running_process VALUES ${values}`);
    }
    deepEqual(run(state, (store) => store.list()), [FIRST]);
    deepEqual(state.log.said, ["warn row of the state skipped"]);
  });
}

Deno.test("list() is empty, with a warning, if somebody has dropped the table", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.put(FIRST));
  {
    using byHand = new DatabaseSync(state.file);
    byHand.exec("DROP TABLE running_process");
  }
  run(state, (store) => {
    deepEqual(store.list(), []);
    equal(store.put(FIRST), false);
  });
  deepEqual(state.log.said, ["warn state cannot be read", "warn state cannot be written"]);
});

Deno.test("a process that runs on is remembered, however many others came and went", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    store.put(FIRST);
    for (let pid = 5_000; pid < 5_600; pid++) {
      store.put({ ...FIRST, pid });
      if (pid > 5_000) store.remove({ ...FIRST, pid: pid - 1 }); // there is always one beside it
    }
    deepEqual(store.list().map(({ pid }) => pid), [FIRST.pid, 5_599]);
  });
});
