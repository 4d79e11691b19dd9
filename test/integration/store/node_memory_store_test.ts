import { deepEqual, equal, match, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { NodeModel } from "../../../lib/nodes/node.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { NodeMemoryStore } from "../../../lib/store/node_memory_store.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { StateDirectory } from "../../fixtures/state_directory.ts";

const URL = "http://10.0.0.1:11434";
const DAY_MS = 24 * 60 * 60_000;

function model(name: string, told: Partial<NodeModel> = {}): NodeModel {
  return {
    key: toWanted(name).key,
    name,
    digest: "a".repeat(64),
    sizeBytes: 4 * GIB,
    quantization: "Q4_K_M",
    parameterSize: "8.0B",
    family: "llama",
    modifiedAtMs: 1_795_000_000_000,
    ...told,
  };
}

function held(...models: NodeModel[]): ReadonlyMap<string, NodeModel> {
  return new Map(models.map((one) => [one.key, one]));
}

const WHOLE = model("Llama3.1:8B");
const BARE = model("it's", {
  digest: "",
  sizeBytes: 0,
  quantization: undefined,
  parameterSize: undefined,
  family: undefined,
  modifiedAtMs: 0,
});

/** Does something with the store of one run of the gateway. */
function run<T>(state: StateDirectory, use: (store: NodeMemoryStore) => T, clock = new FakeClock()): T {
  using database = state.open();
  return use(new NodeMemoryStore(database, { logger: state.log.logger, clock }));
}

/** The rows, as somebody else sees them. */
function rows(state: StateDirectory): { url: unknown; models: unknown; seenAtMs: unknown }[] {
  using byHand = new DatabaseSync(state.file);
  return byHand.prepare("SELECT * FROM node_memory ORDER BY url").all()
    .map(({ url, models, seen_at_ms: seenAtMs }) => ({ url, models, seenAtMs }));
}

Deno.test("what a node held is known after a restart, with all that it told, and of others nothing is", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.keep(URL, held(WHOLE, BARE)));
  run(state, (store) => store.keep("http://b:1", held()));
  deepEqual(run(state, (store) => store.recall(URL)), [WHOLE, BARE]);
  deepEqual(run(state, (store) => store.recall("http://b:1")), []);
  equal(run(state, (store) => store.recall("x' OR '1'='1")), undefined);
});

Deno.test("what has not changed is not written, but once a day", async () => {
  await using state = await StateDirectory.create();
  const clock = new FakeClock();
  const seen = () => rows(state)[0]!.seenAtMs;
  run(state, (store) => {
    const models = held(WHOLE);
    store.keep(URL, models);
    const first = seen();
    clock.advance(DAY_MS - 1);
    store.keep(URL, models);
    store.keep(URL, held(WHOLE));
    equal(seen(), first);
    clock.advance(DAY_MS);
    store.keep(URL, models);
    equal(seen(), clock.now());
  }, clock);
  const before = seen();
  clock.advance(1_000);
  run(state, (store) => store.keep(URL, held(WHOLE)), clock);
  equal(seen(), before, "a restart wrote it again");
});

Deno.test("a change is written at once, and what changes all the time once a minute, the last one too", async () => {
  await using state = await StateDirectory.create();
  const clock = new FakeClock();
  const names = () => run(state, (store) => store.recall(URL)?.map(({ name }) => name), clock);
  run(state, (store) => {
    store.keep(URL, held(model("one")));
    clock.advance(60_000);
    store.keep(URL, held(model("two")));
    deepEqual(names(), ["two"]);
    const last = held(model("three"));
    for (let checks = 0; checks < 11; checks++) {
      clock.advance(5_000);
      store.keep(URL, last);
    }
    deepEqual(names(), ["two"]);
    clock.advance(5_000);
    store.keep(URL, last);
    deepEqual(names(), ["three"]);
  }, clock);
});

Deno.test("a node that was not seen for 30 days is forgotten, and its row goes with the next change", async () => {
  await using state = await StateDirectory.create();
  const clock = new FakeClock();
  run(state, (store) => store.keep(URL, held(WHOLE)), clock);
  clock.advance(30 * DAY_MS - 1);
  ok(run(state, (store) => store.recall(URL), clock));
  clock.advance(1);
  equal(run(state, (store) => store.recall(URL), clock), undefined);
  run(state, (store) => store.keep("http://b:1", held()), clock);
  deepEqual(rows(state).map(({ url }) => url), ["http://b:1"]);
});

Deno.test("a clock that was wrong does not date a node into the future for ever", async () => {
  await using state = await StateDirectory.create();
  const late = new FakeClock();
  late.advance(400 * DAY_MS);
  run(state, (store) => store.keep(URL, held(WHOLE)), late);
  const clock = new FakeClock();
  run(state, (store) => store.keep(URL, held(WHOLE)), clock);
  equal(rows(state)[0]!.seenAtMs, clock.now());
});

Deno.test("of more than 10,000 models the rest is left out", async () => {
  await using state = await StateDirectory.create();
  const many = Array.from({ length: 10_001 }, (_, at) => model(`m${at}`));
  run(state, (store) => store.keep(URL, held(...many)));
  equal(run(state, (store) => store.recall(URL))?.length, 10_000);
});

const { key: _key, ...stored } = WHOLE;
const BAD_LISTS = {
  "no JSON": "[",
  "no list": "{}",
  "no models": "[1, null]",
  "a model without a name": JSON.stringify([{ ...stored, name: undefined }]),
  "an empty name": JSON.stringify([{ ...stored, name: "" }]),
  "an endless name": JSON.stringify([{ ...stored, name: "x".repeat(1_001) }]),
  "a digest that is none": JSON.stringify([{ ...stored, digest: "../etc" }]),
  "a negative size": JSON.stringify([{ ...stored, sizeBytes: -1 }]),
  "a size beyond all numbers": JSON.stringify([stored]).replace(/"sizeBytes":\d+/, '"sizeBytes":1e999'),
  "too many models": JSON.stringify(Array.from({ length: 10_001 }, () => stored)),
};

for (const [name, models] of Object.entries(BAD_LISTS)) {
  Deno.test(`a row with ${name} counts for nothing, with one short warning, and the next list replaces it`, async () => {
    await using state = await StateDirectory.create();
    run(state, (store) => store.keep(URL, held(WHOLE)));
    {
      using byHand = new DatabaseSync(state.file);
      byHand.prepare("UPDATE node_memory SET models = ?").run(models);
    }
    equal(run(state, (store) => store.recall(URL)), undefined);
    deepEqual(state.log.said, ["warn row of the state skipped"]);
    ok(JSON.stringify(state.log.lines[0]).length < 1_000);
    match(String(state.log.lines[0]!["url"]), /10\.0\.0\.1/);
    run(state, (store) => store.keep(URL, held(BARE)));
    deepEqual(run(state, (store) => store.recall(URL)), [BARE]);
  });
}

Deno.test("a table that is gone is told once, and ends nothing", async () => {
  await using state = await StateDirectory.create();
  run(state, (store) => store.keep(URL, held(WHOLE)));
  {
    using byHand = new DatabaseSync(state.file);
    byHand.exec("DROP TABLE node_memory");
  }
  run(state, (store) => {
    equal(store.recall(URL), undefined);
    store.keep(URL, held(WHOLE));
    store.keep("http://b:1", held(WHOLE));
  });
  deepEqual(state.log.said, ["warn state cannot be read", "warn state cannot be written"]);
});
