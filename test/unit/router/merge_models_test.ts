import { deepEqual, equal } from "node:assert/strict";
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
  aliases: {},
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
    obstacle: undefined,
    aliasOf: undefined,
  }]);
});

Deno.test("our own store's word goes first, then that of nodes, then of other coordinators", () => {
  const all = { nodes: [holder("a", "m:1")], stored: stored("m:1"), externalNames: ["M:1"] };
  const [entry, ...others] = mergeModels({ ...NOWHERE, ...all });
  deepEqual([entry!.keptBy, entry!.sizeBytes, entry!.modifiedAtMs, others], ["store", 7, 5, []]);
  equal(mergeModels({ ...NOWHERE, ...all, stored: new Map() })[0]!.keptBy, "node");
  equal(mergeModels({ ...NOWHERE, externalNames: ["M:1"] })[0]!.keptBy, "external");
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

for (
  const { name, places, obstacle } of [
    { name: "in our store", places: { stored: stored("m") } },
    { name: "on a node that is down", places: { nodes: [holder("a", "m", { health: "down" })] } },
    { name: "with a coordinator of others", places: { externalNames: ["m"] } },
    {
      name: "in our store as safetensors",
      places: { stored: stored("m", { kind: "safetensors" }) },
      obstacle: "our own store has it as safetensors, which llama-server cannot load",
    },
    {
      name: "in our store as safetensors, and on a node",
      places: { stored: stored("m", { kind: "safetensors" }), nodes: [holder("a", "m")] },
    },
    {
      name: "in our store as safetensors, and with a coordinator of others",
      places: { stored: stored("m", { kind: "safetensors" }), externalNames: ["m"] },
    },
    {
      name: "that nobody has, by an alias",
      places: { aliases: { m: "nobody" } },
      obstacle: 'it stands for "nobody", which nobody has',
    },
  ] as { name: string; places: Partial<ModelPlaces>; obstacle?: string }[]
) {
  Deno.test(`a model ${name} ${obstacle ? "can never be served" : "may be served"}`, () => {
    equal(mergeModels({ ...NOWHERE, ...places })[0]!.obstacle, obstacle);
  });
}

Deno.test("an alias is listed as what it stands for, and goes before a model of its name", () => {
  const aliases = { "GPT-4": "m:1", "lost": "nobody" };
  const nodes = [holder("a", "m:1"), holder("b", "gpt-4:latest")];
  const told = mergeModels({ ...NOWHERE, nodes, aliases }).map(({ name, aliasOf, holders, obstacle }) => {
    return [name, aliasOf, holders, obstacle === undefined];
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
