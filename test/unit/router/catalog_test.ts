import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { StoredModel } from "../../../lib/ollama/resolved_model.ts";
import { ModelCatalog } from "../../../lib/router/catalog.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A store that holds these, and finds nothing. */
class FakeStore {
  readCount = 0;

  constructor(
    private readonly names: readonly string[] = [],
    private readonly error = new GatewayError("model_not_found", "Cannot find it; pull it", {
      field: "model",
    }),
  ) {}

  listModels(): Promise<StoredModel[]> {
    this.readCount++;
    return Promise.resolve(this.names.map((name) => ({ name, modifiedAtMs: 5 }) as StoredModel));
  }

  resolve(): Promise<never> {
    return Promise.reject(this.error);
  }
}

const { signal } = new AbortController();

Deno.test("models of ours and of others are listed once, sorted; what both have is ours", async () => {
  const catalog = new ModelCatalog(new FakeStore(["b", "m:7b"]), {
    modelNames: ["M:7B", "c", "/srv/a.gguf"],
  });
  deepEqual((await catalog.list()).map(({ name, keptBy, modifiedAtMs }) => [name, keptBy, modifiedAtMs]), [
    ["/srv/a.gguf", "external", 0],
    ["b", "store", 5],
    ["c", "external", 0],
    ["m:7b", "store", 5],
  ]);
});

Deno.test("a list is two seconds old at most, and read once however many ask", async () => {
  const store = new FakeStore();
  const clock = new FakeClock();
  const external = { modelNames: ["a"] };
  const catalog = new ModelCatalog(store, external, clock);
  await Promise.all([catalog.list(), catalog.list()]);
  equal(store.readCount, 1);
  external.modelNames = ["a", "b"];
  clock.advance(2_001);
  equal((await catalog.list()).length, 2);
});

for (
  const { name, modelNames, want } of [
    { name: "nobody else serves one", modelNames: [], want: /^Cannot find it; pull it$/ },
    {
      name: "others serve some",
      modelNames: ["a", "b"],
      want: /^Cannot find it; pull it; coordinators of others serve "a", "b"$/,
    },
    {
      name: "others serve many",
      modelNames: ["a", "b", "c", "d", "e", "f", "g"],
      want: /serve "a", "b", "c", "d", "e" and 2 more$/,
    },
  ]
) {
  Deno.test(`a model that is not found is told with what there is: ${name}`, async () => {
    const catalog = new ModelCatalog(new FakeStore(), { modelNames });
    await rejects(catalog.resolve("x", signal), (error: GatewayError) => {
      match(error.message, want);
      deepEqual([error.code, error.field], ["model_not_found", "model"]);
      return true;
    });
  });
}

Deno.test("a model that is here but unusable has nothing to do with others", async () => {
  const unusable = new GatewayError("model_unusable", "it is cut");
  const catalog = new ModelCatalog(new FakeStore([], unusable), { modelNames: ["a"] });
  await rejects(catalog.resolve("x", signal), unusable);
});

Deno.test("one model has one key, whatever the spelling, however many names were asked for", () => {
  const catalog = new ModelCatalog(new FakeStore(), { modelNames: [] });
  for (let index = 0; index < 10_001; index++) catalog.keyOf(`m${index}`);
  equal(catalog.keyOf(" Llama3 "), catalog.keyOf("llama3:latest"));
});
