import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { NodeStore, type StoredNode } from "../../../lib/store/node_store.ts";
import { GIB } from "../../../lib/units.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const WHOLE: StoredNode = {
  url: "https://gpu.lan:443/ollama",
  name: "gpu",
  slotCount: 2,
  weight: 1.5,
  tags: ["big", "it's"],
  models: ["llama*"],
  memoryBytes: 24 * GIB,
  addedAtMs: 1_795_000_000_000,
};
const PLAIN: StoredNode = { url: "http://10.0.0.1:11434", addedAtMs: 5 };

/** Does something with the store of one run of the gateway. */
function run<T>(state: StateDirectory, use: (store: NodeStore) => T): T {
  using database = state.open();
  return use(new NodeStore(database, { logger: state.log.logger }));
}

Deno.test("nodes are there after a restart, with all that was said of them, in the order of their coming", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.put(WHOLE) && store.put(PLAIN)));
  deepEqual(run(state, (store) => store.list()), [PLAIN, WHOLE]);
});

Deno.test("put() replaces what was said, but not when it was said first", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.put(WHOLE));
  run(state, (store) => store.put({ url: WHOLE.url, weight: 2, addedAtMs: 9 }));
  deepEqual(run(state, (store) => store.list()), [{ url: WHOLE.url, weight: 2, addedAtMs: WHOLE.addedAtMs }]);
});

Deno.test("remove() forgets one node for good, takes one that is not there, and a hostile name is no SQL", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.put(WHOLE) && store.put(PLAIN) && store.remove(PLAIN.url)));
  run(state, (store) => ok(store.remove("never there") && store.remove("x' OR '1'='1")));
  deepEqual(run(state, (store) => store.list()), [WHOLE]);
});

const BAD_ROWS = {
  "no URL": "('gpu', NULL, NULL, NULL, NULL, NULL, NULL, 1)",
  "a URL that is not written as usual": "('http://GPU:11434/', NULL, NULL, NULL, NULL, NULL, NULL, 1)",
  "a metadata service": "('http://169.254.169.254:80', NULL, NULL, NULL, NULL, NULL, NULL, 1)",
  "a name that is none": "('http://a:1', 'a b', NULL, NULL, NULL, NULL, NULL, 1)",
  "no slots": "('http://a:1', NULL, 0, NULL, NULL, NULL, NULL, 1)",
  "slots beyond all numbers": "('http://a:1', NULL, 9223372036854775807, NULL, NULL, NULL, NULL, 1)",
  "an endless weight": "('http://a:1', NULL, NULL, 9e999, NULL, NULL, NULL, 1)",
  "tags that are no JSON": "('http://a:1', NULL, NULL, NULL, 'big', NULL, NULL, 1)",
  "models that are no list": "('http://a:1', NULL, NULL, NULL, NULL, '{}', NULL, 1)",
  "a negative memory": "('http://a:1', NULL, NULL, NULL, NULL, NULL, -1, 1)",
  "a time before all times": "('http://a:1', NULL, NULL, NULL, NULL, NULL, NULL, -5)",
};

Deno.test("list() skips rows that make no sense, and says so of each", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.put(PLAIN));
  {
    using byHand = new DatabaseSync(state.file);
    for (const values of Object.values(BAD_ROWS)) {
      byHand.exec("DELETE FROM node WHERE added_at_ms <> 5");
      byHand.exec(`INSERT INTO node VALUES ${values}`);
      deepEqual(run(state, (store) => store.list()), [PLAIN], values);
    }
  }
  deepEqual(state.log.said, Object.keys(BAD_ROWS).map(() => "warn row of the state skipped"));
});

Deno.test("many nodes are listed, and a table that is gone is told", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    for (let at = 0; at < 200; at++) store.put({ url: `http://a:${at + 1}`, addedAtMs: at });
    equal(store.list().length, 200);
  });
  {
    using byHand = new DatabaseSync(state.file);
    byHand.exec("DROP TABLE node");
  }
  run(state, (store) => deepEqual([store.list(), store.put(PLAIN)], [[], false]));
  deepEqual(state.log.said, ["warn state cannot be read", "warn state cannot be written"]);
});
