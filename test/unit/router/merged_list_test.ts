import { equal, notEqual } from "node:assert/strict";
import type { ExternalFacts } from "../../../lib/coordinator/external.ts";
import { MergedList } from "../../../lib/router/merged_list.ts";
import type { ModelPlaces } from "../../../lib/router/merge_models.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const external: ExternalFacts = {
  url: "http://x:1",
  health: "up",
  reason: "it serves b",
  modelKeys: new Set(["b"]),
  mayServeMore: false,
};
const node = knownNode("a", { held: { a: 1 } });
const PLACES: ModelPlaces = {
  stored: new Map(),
  nodes: [node],
  externalNames: ["b"],
  externals: [external],
  aliases: {},
  mode: "hybrid",
};

for (
  const { name, places } of [
    { name: "our own store was read anew", places: { stored: new Map() } },
    { name: "the nodes or their settings are others", places: { nodes: [node] } },
    { name: "coordinators of others serve other models", places: { externalNames: ["b", "c"] } },
    { name: "one of them is down", places: { externals: [{ ...external, health: "down" }] } },
    { name: "one of them serves another", places: { externals: [{ ...external, modelKeys: new Set("c") }] } },
    { name: "the aliases are others", places: { aliases: { c: "a" } } },
    { name: "the mode is another", places: { mode: "sharding" } },
  ] as { name: string; places: Partial<ModelPlaces> }[]
) {
  Deno.test(`the list is made anew when ${name}`, () => {
    const list = new MergedList();
    const first = list.of(PLACES);
    notEqual(list.of({ ...PLACES, ...places }), first);
  });
}

Deno.test("the list is the same as long as nothing that it shows has changed", () => {
  const list = new MergedList();
  const first = list.of(PLACES);
  equal(list.of({ ...PLACES, externalNames: ["b"], externals: [{ ...external, reason: "it does" }] }), first);
});

Deno.test("what a node holds, and why it is of no use, is in the list at once", () => {
  const live = { ...node };
  const places = { ...PLACES, nodes: [live] };
  const list = new MergedList();
  const told = () =>
    list.of(places).map(({ name, unavailableBecause }) => `${name}: ${unavailableBecause}`)[0];
  equal(told(), "a: undefined");
  Object.assign(live, { isSound: false, unsoundness: "down: connection refused" });
  equal(told(), "a: a: down: connection refused");
  Object.assign(live, { unsoundness: "down: it hangs" });
  equal(told(), "a: a: down: it hangs");
  Object.assign(live, { models: new Map() });
  equal(list.of(places).length, 1);
});
