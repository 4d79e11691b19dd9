import { deepEqual, equal, match } from "node:assert/strict";
import type { ExternalFacts } from "../../../lib/coordinator/external.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import type { StoredModel } from "../../../lib/ollama/resolved_model.ts";
import { mergeModels, type ModelPlaces } from "../../../lib/router/merge_models.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes } from "../../fixtures/known_nodes.ts";

const NOWHERE: ModelPlaces = {
  stored: new Map(),
  nodes: [],
  externalNames: [],
  externals: [],
  aliases: {},
  mode: "hybrid",
};

function stored(name: string, said: Partial<StoredModel> = {}): ReadonlyMap<string, StoredModel> {
  const { key } = toWanted(name);
  const model = { name, key, kind: "gguf", modifiedAtMs: 5, sizeBytes: 7, manifestDigest: "aa", ...said };
  return new Map([[key, model as StoredModel]]);
}

function holder(
  node: string,
  model: string,
  { digest = "aa", ...wishes }: KnownNodeWishes & { digest?: string } = {},
): KnownNode {
  const { key } = toWanted(model);
  const known = knownNode(node, { held: { [key]: GIB }, digests: { [key]: digest }, ...wishes });
  const listed = {
    ...known.models.get(key)!,
    name: model,
    family: "llama",
    parameterSize: "8.0B",
    modifiedAtMs: 9,
  };
  return { ...known, models: new Map([[key, listed]]) };
}

function external(
  name: string,
  health: ExternalFacts["health"],
): Pick<ModelPlaces, "externalNames" | "externals"> {
  const facts = {
    url: "http://x",
    health,
    reason: "",
    modelKeys: new Set([toWanted(name).key]),
    mayServeMore: false,
  };
  return { externalNames: [name], externals: [facts] };
}

Deno.test("a model of several nodes is one entry, with what the first of them tells", () => {
  const nodes = [holder("a", "Llama3:8b"), holder("b", "llama3:8B")];
  deepEqual(mergeModels({ ...NOWHERE, nodes }), [{
    key: "registry.ollama.ai/library/llama3:8b",
    name: "Llama3:8b",
    modifiedAtMs: 9,
    keptBy: "node",
    sizeBytes: GIB,
    digest: "aa",
    isOneEverywhere: true,
    family: "llama",
    parameterSize: "8.0B",
    quantization: "Q4_K_M",
    holders: ["a", "b"],
    isAvailable: true,
    unavailableBecause: undefined,
    aliasOf: undefined,
  }]);
});

Deno.test("our own store's word goes first, then that of nodes, then of other coordinators", () => {
  const all = { nodes: [holder("a", "m:1")], stored: stored("m:1"), ...external("M:1", "up") };
  const [entry, ...others] = mergeModels({ ...NOWHERE, ...all });
  deepEqual([entry!.keptBy, entry!.sizeBytes, entry!.modifiedAtMs, others], ["store", 7, 5, []]);
  equal(mergeModels({ ...NOWHERE, ...all, stored: new Map() })[0]!.keptBy, "node");
  equal(mergeModels({ ...NOWHERE, ...external("M:1", "up") })[0]!.keptBy, "external");
});

for (
  const { name, nodes, digest, want } of [
    {
      name: "two nodes with two digests",
      nodes: [holder("a", "m"), holder("b", "m", { digest: "bb" })],
      want: false,
    },
    {
      name: "a node that tells none",
      nodes: [holder("a", "m"), holder("b", "m", { digest: "" })],
      want: true,
    },
    { name: "our store and a node", nodes: [holder("a", "m")], digest: "bb", want: false },
  ]
) {
  Deno.test(`one name for one model everywhere: ${name}: ${want}`, () => {
    const own = digest === undefined ? new Map() : stored("m", { manifestDigest: digest });
    equal(mergeModels({ ...NOWHERE, nodes, stored: own })[0]!.isOneEverywhere, want);
  });
}

const DOWN = { health: "down" as const, isSound: false, unsoundness: "it is down: connection refused" };

for (
  const { name, places, because } of [
    { name: "on one node that is up, of two", places: { nodes: [holder("a", "m", DOWN), holder("b", "m")] } },
    {
      name: "on nodes that are down",
      places: { nodes: [holder("a", "m", DOWN), holder("b", "m", DOWN)] },
      because: /^a: it is down: connection refused, b: it is down: connection refused$/,
    },
    {
      name: "on a node that sleeps and can be woken",
      places: {
        nodes: [
          holder("a", "m", { ...DOWN, wake: { mac: "aa:bb:cc:dd:ee:ff", broadcast: "10.0.0.255", port: 9 } }),
        ],
      },
    },
    {
      name: "on a node that may not serve it",
      places: { nodes: [holder("a", "m", { allowed: [] })] },
      because: /^a: it may not serve this model$/,
    },
    {
      name: "on nodes, to which nothing is distributed",
      places: { nodes: [holder("a", "m")], mode: "sharding" },
      because: /^it is on a, but task_distribution_enabled is false$/,
    },
    {
      name: "on another host, where there is to be only this one",
      places: { nodes: [holder("a", "m")], mode: "single" },
      because: /^a: it is another host, but task_distribution_enabled is false$/,
    },
    {
      name: "on a node of this host",
      places: { nodes: [holder("a", "m", { isLocal: true })], mode: "single" },
    },
    { name: "in our store", places: { stored: stored("m") } },
    {
      name: "in our store, from which nothing is loaded",
      places: { stored: stored("m"), mode: "distribution" },
      because: /model_sharding_enabled is false$/,
    },
    {
      name: "in our store as safetensors",
      places: { stored: stored("m", { kind: "safetensors" }) },
      because: /safetensors, which llama-server cannot load$/,
    },
    {
      name: "in our store as safetensors, and on a node",
      places: { stored: stored("m", { kind: "safetensors" }), nodes: [holder("a", "m")] },
    },
    { name: "with a coordinator of others", places: external("m", "up") },
    {
      name: "with a coordinator of others that is down, and a node that is down",
      places: { ...external("m", "down"), nodes: [holder("a", "m", DOWN)] },
      because: /^a: it is down: connection refused; no coordinator of others that serves it is up$/,
    },
    {
      name: "on more nodes than a sentence tells",
      places: { nodes: ["a", "b", "c", "d", "e"].map((node) => holder(node, "m", DOWN)) },
      because: / and 2 more$/,
    },
  ] as { name: string; places: Partial<ModelPlaces>; because?: RegExp }[]
) {
  Deno.test(`a model ${name} is ${because ? "not available" : "available"}`, () => {
    const [entry] = mergeModels({ ...NOWHERE, ...places });
    equal(entry!.isAvailable, because === undefined, entry!.unavailableBecause);
    if (because) match(entry!.unavailableBecause!, because);
    else equal(entry!.unavailableBecause, undefined);
  });
}

Deno.test("an alias is listed as what it stands for, and goes before a model of its name", () => {
  const aliases = { "GPT-4": "m:1", "lost": "nobody" };
  const nodes = [holder("a", "m:1"), holder("b", "gpt-4:latest")];
  const told = mergeModels({ ...NOWHERE, nodes, aliases }).map(({ name, aliasOf, holders, isAvailable }) => {
    return [name, aliasOf, holders, isAvailable];
  });
  deepEqual(told, [
    ["GPT-4", "m:1", ["a"], true],
    ["lost", "nobody", [], false],
    ["m:1", undefined, ["a"], true],
  ]);
});

Deno.test("a node that never tells when its model changed is believed nothing", () => {
  const node = holder("a", "m");
  const [key, model] = [...node.models][0]!;
  const models = new Map([[key, { ...model, modifiedAtMs: Infinity }]]);
  equal(mergeModels({ ...NOWHERE, nodes: [{ ...node, models }] })[0]!.modifiedAtMs, 0);
});
