import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import type { StoredModel } from "../../../lib/ollama/resolved_model.ts";
import { ModelCatalog, type ModelCatalogParts } from "../../../lib/router/catalog.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

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
    const models = this.names.map((name) => ({
      name,
      key: toWanted(name).key,
      kind: "gguf",
      modifiedAtMs: 5,
    }));
    return Promise.resolve(models as StoredModel[]);
  }

  resolve(): Promise<never> {
    return Promise.reject(this.error);
  }
}

const { signal } = new AbortController();
const CONFIG = { aliases: {}, modelShardingEnabled: true, taskDistributionEnabled: true };

/** A catalog of a store, nodes and names that others serve. */
function catalogOf(
  store: ModelCatalogParts["store"],
  { modelNames = [], nodes = [], unaskedNodes = [], ...parts }: Partial<Omit<ModelCatalogParts, "nodes">> & {
    modelNames?: string[];
    nodes?: readonly KnownNode[];
    unaskedNodes?: readonly KnownNode[];
  } = {},
): ModelCatalog {
  return new ModelCatalog({
    store,
    external: { modelNames, facts: [] },
    nodes: { nodes, unaskedNodes },
    config: CONFIG,
    ...parts,
  });
}

function holding(name: string, ...models: string[]): KnownNode {
  const known = knownNode(name, {
    held: Object.fromEntries(models.map((model) => [toWanted(model).key, 1])),
  });
  const spelled = models.map((model) => {
    const { key } = toWanted(model);
    return [key, { ...known.models.get(key)!, name: model }] as const;
  });
  return { ...known, models: new Map(spelled) };
}

Deno.test("models of ours and of others are listed once, sorted; what both have is ours", async () => {
  const catalog = catalogOf(new FakeStore(["b", "m:7b"]), {
    modelNames: ["M:7B", "c", "/srv/a.gguf"],
  });
  deepEqual((await catalog.list()).map(({ name, keptBy, modifiedAtMs }) => [name, keptBy, modifiedAtMs]), [
    ["/srv/a.gguf", "external", 0],
    ["b", "store", 5],
    ["c", "external", 0],
    ["m:7b", "store", 5],
  ]);
});

Deno.test("our own store is read once in two seconds, however many ask; what others have is as it is now", async () => {
  const store = new FakeStore();
  const clock = new FakeClock();
  const external = { modelNames: ["a"], facts: [] };
  const catalog = catalogOf(store, { external, clock });
  await Promise.all([catalog.list(), catalog.list()]);
  equal(store.readCount, 1);
  external.modelNames = ["a", "b"];
  equal((await catalog.list()).length, 2);
  equal(store.readCount, 1);
  clock.advance(2_001);
  await catalog.list();
  equal(store.readCount, 2);
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
    const catalog = catalogOf(new FakeStore(), { modelNames });
    await rejects(catalog.resolve("x", signal), (error: GatewayError) => {
      match(error.message, want);
      deepEqual([error.code, error.field], ["model_not_found", "model"]);
      return true;
    });
  });
}

for (
  const { name, unasked, want, distribution = true } of [
    {
      name: "one of them was never asked",
      unasked: [{ name: "c" }],
      want: /pull x"; c was never asked what it holds: down: refused$/,
    },
    {
      name: "it can be woken",
      unasked: [{ name: "c" }, { name: "d", wake: { mac: "", broadcast: "", port: 9 } }],
      want:
        /; d was never asked what it holds: down: refused; send x-sollol-route: d to have d woken for it$/,
    },
    {
      name: "many were never asked",
      unasked: ["c", "d", "e", "f", "g"].map((name) => ({ name })),
      want: /; e was never asked what it holds: down: refused; 2 more were never asked either$/,
    },
    {
      name: "those that were never asked are not used anyway",
      unasked: [{ name: "c" }],
      distribution: false,
      want: /pull x"$/,
    },
  ]
) {
  Deno.test(`a model that no node is known to hold is told with what nobody knows: ${name}`, async () => {
    const down = { health: "down", unsoundness: "down: refused", wasAsked: false } as const;
    const unaskedNodes = unasked.map((told) => knownNode(told.name, { ...down, ...told }));
    const nodes = [holding("a", "llama3.1:8b"), ...unaskedNodes];
    const config = { ...CONFIG, taskDistributionEnabled: distribution };
    await rejects(catalogOf(new FakeStore(), { nodes, unaskedNodes, config }).resolve("x", signal), want);
  });
}

Deno.test("a model that is here but unusable has nothing to do with others", async () => {
  const unusable = new GatewayError("model_unusable", "it is cut");
  const catalog = catalogOf(new FakeStore([], unusable), { modelNames: ["a"], nodes: [holding("a", "x")] });
  await rejects(catalog.resolve("x", signal), unusable);
});

Deno.test("one model has one key, whatever the spelling, however many names were asked for", () => {
  const catalog = catalogOf(new FakeStore());
  for (let index = 0; index < 10_001; index++) catalog.keyOf(`m${index}`);
  equal(catalog.keyOf(" Llama3 "), catalog.keyOf("llama3:latest"));
});

for (
  const { name, asked, models, want } of [
    {
      name: "nodes hold a like one",
      asked: "llama3.1:8x",
      models: ["llama3.1:8b", "phi3:14b"],
      want:
        /^Cannot find model "llama3.1:8x" in our own store or on one of 2 nodes; did you mean "llama3.1:8b"\?$/,
    },
    {
      name: "nodes and our store have like ones",
      asked: "stored:8x",
      models: ["stored:8b"],
      want: /; did you mean "stored:8b" or "stored"\?$/,
    },
    {
      name: "nodes hold nothing like it",
      asked: " x ",
      models: ["llama3.1:8b"],
      want:
        /^Cannot find model "x" in our own store or on one of 2 nodes; pull it on a node with "ollama pull x"$/,
    },
    {
      name: "nodes hold nothing",
      asked: "x",
      models: [],
      want: /^Cannot find model "x" in our own store or on one of 2 nodes; pull it on a node with /,
    },
  ]
) {
  Deno.test(`a model that is not found is told with what there is: ${name}`, async () => {
    const nodes = [holding("a", ...models), holding("b", ...models)];
    const catalog = catalogOf(new FakeStore(["stored"]), { nodes });
    await rejects(catalog.resolve(asked, signal), (error: GatewayError) => {
      match(error.message, want);
      return error.code === "model_not_found";
    });
  });
}

Deno.test("a model is found by any spelling and by its aliases, with all that is known of it", async () => {
  const config = { ...CONFIG, aliases: { best: "llama3.1:8b" } };
  const catalog = catalogOf(new FakeStore(), { nodes: [holding("a", "llama3.1:8b")], config });
  deepEqual((await catalog.find("Llama3.1:8B", signal)).holders, ["a"]);
  equal((await catalog.find("BEST", signal)).aliasOf, "llama3.1:8b");
  await rejects(catalog.find("x", signal), { code: "model_not_found" });
});

Deno.test("a model that came into the store since the last list is found", async () => {
  const store = new FakeStore();
  const come = { ...(await new FakeStore(["new"]).listModels())[0]!, sizeBytes: 7 };
  const catalog = catalogOf({
    listModels: () => store.listModels(),
    resolve: () => Promise.resolve(come as never),
  });
  const { keptBy, sizeBytes, obstacle } = await catalog.find("new", signal);
  deepEqual([keptBy, sizeBytes, obstacle], ["store", 7, undefined]);
});

Deno.test("what our store has is known from memory", async () => {
  const catalog = catalogOf(new FakeStore(["m"]));
  const key = catalog.keyOf("m");
  equal(catalog.isStored(key), undefined);
  await catalog.list();
  deepEqual([catalog.isStored(key), catalog.isStored(catalog.keyOf("x"))], [true, false]);
});

Deno.test("a store that cannot be read is told to whoever lists, and read again by the next", async () => {
  const store = new FakeStore(["m"]);
  let isBroken = true;
  const catalog = catalogOf({
    resolve: () => store.resolve(),
    listModels: () => isBroken ? Promise.reject(new Error("the disk is gone")) : store.listModels(),
  });
  await rejects(catalog.list(), /the disk is gone/);
  isBroken = false;
  equal((await catalog.list()).length, 1);
});
