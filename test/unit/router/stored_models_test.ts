import { deepEqual, equal, rejects } from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { StoredModel } from "../../../lib/ollama/resolved_model.ts";
import { StoredModels } from "../../../lib/router/stored_models.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function open(keys: string[] = ["a"]) {
  const store = {
    keys,
    readCount: 0,
    isBroken: false,
    listModels(): Promise<StoredModel[]> {
      store.readCount++;
      if (store.isBroken) return Promise.reject(new Error("the disk is gone"));
      return Promise.resolve(
        store.keys.map((key) => ({ key, kind: "gguf", manifestDigest: `of ${key}` }) as StoredModel),
      );
    },
  };
  const clock = new FakeClock();
  return { store, clock, models: new StoredModels(store, clock) };
}

Deno.test("nothing is known before the first look, which the first question brings about", async () => {
  const { store, models } = open();
  deepEqual([models.has("a"), models.has("b"), models.digestOf("a")], [undefined, undefined, undefined]);
  equal(store.readCount, 1);
  await turn();
  deepEqual([models.has("a"), models.has("b"), models.digestOf("a")], [true, false, "of a"]);
});

Deno.test("a listing of more than two seconds is renewed behind whoever asks", async () => {
  const { store, clock, models } = open();
  await models.list();
  store.keys.push("b");
  clock.advance(2_000);
  equal(models.has("b"), false);
  clock.advance(1);
  equal(models.has("b"), false);
  await turn();
  deepEqual([models.has("b"), store.readCount], [true, 2]);
});

Deno.test("an old listing tells what there is, and no longer what there is not", async () => {
  const { clock, models } = open();
  await models.list();
  clock.advance(10_001);
  deepEqual([models.has("a"), models.has("b")], [true, undefined]);
});

Deno.test("a store that cannot be read leaves what was known, and tells those who list", async () => {
  const { store, clock, models } = open();
  await models.list();
  store.isBroken = true;
  clock.advance(5_000);
  equal(models.has("a"), true);
  await turn();
  equal(models.digestOf("a"), "of a");
  await rejects(models.list(), /the disk is gone/);
  store.isBroken = false;
  deepEqual([...(await models.list()).keys()], ["a"]);
});

Deno.test("what is stored in a form that nobody here can load counts as not stored", async () => {
  const listModels = () => Promise.resolve([{ key: "a", kind: "safetensors" } as StoredModel]);
  const models = new StoredModels({ listModels }, new FakeClock());
  await models.list();
  equal(models.has("a"), false);
});
