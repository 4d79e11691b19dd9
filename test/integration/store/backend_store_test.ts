import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { BackendStore, type StoredBackend } from "../../../lib/store/backend_store.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const LIMITED: StoredBackend = {
  endpoint: "gpu.lan:50052",
  source: "admin",
  limits: { memoryLimitBytes: 24 * 1024 ** 3, isExcluded: true, bytesPerSecond: 118.5e6 },
  addedAtMs: 1_795_000_000_000,
};
const PLAIN: StoredBackend = { endpoint: "10.0.0.1:50052", source: "admin", limits: UNLIMITED, addedAtMs: 5 };

/** Does something with the store of one run of the gateway. */
function run<T>(state: StateDirectory, use: (store: BackendStore) => T): T {
  using database = state.open();
  return use(new BackendStore(database, { logger: state.log.logger }));
}

Deno.test("backends are there after a restart, with all that was said of them", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.put(LIMITED) && store.put(PLAIN)));
  deepEqual(run(state, (store) => store.list()), [PLAIN, LIMITED]);
});

Deno.test("put() replaces what was said, but not when it was said first", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.put(LIMITED));
  run(state, (store) => store.put({ ...LIMITED, limits: UNLIMITED, source: "worker", addedAtMs: 9 }));
  deepEqual(run(state, (store) => store.list()), [{ ...LIMITED, limits: UNLIMITED, source: "worker" }]);
});

Deno.test("remove() forgets one backend for good, and takes one that is not there", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.put(LIMITED) && store.put(PLAIN) && store.remove(PLAIN.endpoint)));
  run(state, (store) => ok(store.remove("never.there:1")));
  deepEqual(run(state, (store) => store.list()), [LIMITED]);
});

Deno.test("a hostile name is a name, not SQL", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    store.put(PLAIN);
    store.remove("x' OR '1'='1");
    equal(store.list().length, 1);
  });
});

const BAD_ROWS = {
  "an endpoint that is none": "('10.0.0.9', 'admin', NULL, 0, NULL, 1)",
  "an endpoint in capitals": "('GPU:1', 'admin', NULL, 0, NULL, 1)",
  "an IPv6 endpoint": "('[::1]:1', 'admin', NULL, 0, NULL, 1)",
  "a source that is none": "('a:1', 'rumour', NULL, 0, NULL, 1)",
  "a negative limit": "('a:1', 'admin', -1, 0, NULL, 1)",
  "a limit beyond all numbers": "('a:1', 'admin', 9223372036854775807, 0, NULL, 1)",
  "neither yes nor no": "('a:1', 'admin', NULL, 2, NULL, 1)",
  "a bandwidth of nothing": "('a:1', 'admin', NULL, 0, 0, 1)",
  "an endless bandwidth": "('a:1', 'admin', NULL, 0, 9e999, 1)",
  "a time before all times": "('a:1', 'admin', NULL, 0, NULL, -5)",
};

for (const [name, values] of Object.entries(BAD_ROWS)) {
  Deno.test(`list() skips a row with ${name}, and says so`, async () => {
    await using state = await StateDirectory.create();
    run(state, (store) => store.put(PLAIN));
    {
      using byHand = new DatabaseSync(state.file);
      byHand.exec(`INSERT INTO backend VALUES ${values}`);
    }
    deepEqual(run(state, (store) => store.list()), [PLAIN]);
    deepEqual(state.log.said, ["warn row of the state skipped"]);
  });
}

Deno.test("list() is empty, with a warning, if somebody has dropped the table", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.put(PLAIN));
  {
    using byHand = new DatabaseSync(state.file);
    byHand.exec("DROP TABLE backend");
  }
  run(state, (store) => {
    deepEqual(store.list(), []);
    equal(store.put(PLAIN), false);
  });
  deepEqual(state.log.said, ["warn state cannot be read", "warn state cannot be written"]);
});
