import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { LoadRecord } from "../../../lib/store/load_rows.ts";
import { LoadStore } from "../../../lib/store/load_store.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

/** A load of 2 GiB on one device whose compute buffer was estimated at 100 MiB. */
function load({ compute = 100 * MIB, endpoint = "10.0.0.1:50052", loadMs = 20_000, ...rest }: {
  compute?: number;
  endpoint?: string;
  loadMs?: number;
  model?: string;
  architecture?: string;
  build?: string | undefined;
} = {}): LoadRecord {
  return {
    model: "llama3.1:70b",
    architecture: "llama",
    build: "b11669",
    loadMs,
    ...rest,
    devices: [{
      endpoint,
      deviceIndex: 0,
      estimated: { weightBytes: 2 * GIB, kvBytes: 64 * MIB, computeBytes: 100 * MIB },
      actual: { weightBytes: 2 * GIB, kvBytes: 64.5 * MIB, computeBytes: compute },
    }],
  };
}

/** Does something with the store of one run of the gateway. */
function run<T>(state: StateDirectory, use: (store: LoadStore) => T, clock = new FakeClock()): T {
  using database = state.open();
  return use(new LoadStore(database, { logger: state.log.logger, clock }));
}

Deno.test("loads are there after a restart, newest first", async () => {
  await using state = await StateDirectory.create();
  const twoDevices = load();
  const second = { ...twoDevices.devices[0]!, endpoint: "10.0.0.1:50052", deviceIndex: 1 };
  const both = { ...twoDevices, build: undefined, devices: [...twoDevices.devices, second] };
  run(state, (store) => ok(store.recordLoad(both) && store.recordLoad(load({ model: "second" }))));
  const [newest, oldest] = run(state, (store) => store.recent(10));
  equal(newest?.model, "second");
  deepEqual(oldest, { id: 1, recordedAtMs: 1_000_000, ...both });
  equal(run(state, (store) => store.recent(1)).length, 1);
});

Deno.test("recordLoad() keeps a thousand loads and forgets the oldest", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.recordLoad(load({ model: "first" }))));
  {
    using byHand = new DatabaseSync(state.file); // a thousand commits would take seconds
    byHand.exec(`
      WITH RECURSIVE number (id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM number WHERE id < 1000)
      INSERT INTO load SELECT id, 0, 'middle', 'llama', NULL, 1 FROM number`);
  }
  run(state, (store) => {
    equal(store.recent(2_000).at(-1)?.model, "first");
    for (const model of ["last but one", "last"]) ok(store.recordLoad(load({ model })));
    const models = store.recent(2_000).map(({ model }) => model);
    equal(models.length, 1_000);
    deepEqual([models[0], models[1], models.at(-1)], ["last", "last but one", "middle"]);
  });
  using database = new DatabaseSync(state.file);
  equal(database.prepare("SELECT count(*) AS count FROM load_device").get()?.["count"], 2, "devices stayed");
});

Deno.test("computeCorrection() is the largest ratio of the last eight loads", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    equal(store.computeCorrection("llama", "b11669"), 1, "knows what nobody told");
    store.recordLoad(load({ compute: 300 * MIB })); // will be the ninth
    for (let index = 0; index < 7; index++) store.recordLoad(load({ compute: 110 * MIB }));
    equal(store.computeCorrection("llama", "b11669"), 3);
    store.recordLoad(load({ compute: 120 * MIB }));
    equal(store.computeCorrection("llama", "b11669"), 1.2);
    equal(store.computeCorrection("qwen3", "b11669"), 1, "learns from another architecture");
  });
});

Deno.test("computeCorrection() prefers loads with the same build to all others", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    store.recordLoad(load({ compute: 200 * MIB, build: "b1" }));
    equal(store.computeCorrection("llama", "b2"), 2, "forgets all at each build");
    store.recordLoad(load({ compute: 130 * MIB, build: "b2" }));
    store.recordLoad(load({ compute: 150 * MIB, build: undefined }));
    equal(store.computeCorrection("llama", "b2"), 1.3);
    equal(store.computeCorrection("llama", undefined), 1.5);
  });
});

Deno.test("bytesPerSecond() is the median of the loads that an endpoint took part in", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    equal(store.bytesPerSecond("10.0.0.1:50052"), undefined);
    for (const loadMs of [20_000, 1_000, 10_000]) store.recordLoad(load({ loadMs }));
    store.recordLoad(load({ loadMs: 1, endpoint: "10.0.0.2:50052" }));
    equal(store.bytesPerSecond("10.0.0.1:50052"), 2 * GIB / 10);
    equal(store.bytesPerSecond("10.0.0.3:50052"), undefined);
  });
});

Deno.test("a load that somebody has spoilt by hand is skipped, with a warning", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => ok(store.recordLoad(load()) && store.recordLoad(load({ compute: 200 * MIB }))));
  {
    using byHand = new DatabaseSync(state.file);
    byHand.exec("UPDATE load_device SET actual_compute_bytes = -1 WHERE load_id = 1");
  }
  equal(run(state, (store) => store.computeCorrection("llama", "b11669")), 2);
  deepEqual(state.log.said, ["warn row of the state skipped"]);
});

Deno.test("recordLoad() refuses numbers that are none, and the gateway goes on", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => {
    equal(store.recordLoad(load({ compute: NaN })), false);
    deepEqual(store.recent(10), [], "half of it is there");
    ok(store.recordLoad(load()));
  });
});
