import { equal, notEqual } from "node:assert/strict";
import { MergedList } from "../../../lib/router/merged_list.ts";
import type { ModelPlaces } from "../../../lib/router/merge_models.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const node = knownNode("a", { held: { a: 1 } });
const PLACES: ModelPlaces = {
  stored: new Map(),
  nodes: [node],
  externalNames: ["b"],
  aliases: {},
};

for (
  const { name, places } of [
    { name: "our own store was read anew", places: { stored: new Map() } },
    { name: "the nodes or their settings are others", places: { nodes: [node] } },
    { name: "coordinators of others serve other models", places: { externalNames: ["b", "c"] } },
    { name: "the aliases are others", places: { aliases: { c: "a" } } },
  ] as { name: string; places: Partial<ModelPlaces> }[]
) {
  Deno.test(`the list is made anew when ${name}`, () => {
    const list = new MergedList();
    const first = list.of(PLACES);
    notEqual(list.of({ ...PLACES, ...places }), first);
  });
}

Deno.test("the list is the same as long as nothing that it shows has changed", () => {
  const live = { ...node };
  const places = { ...PLACES, nodes: [live] };
  const list = new MergedList();
  const first = list.of(places);
  Object.assign(live, { isSound: false, unsoundness: "down: connection refused" });
  equal(list.of({ ...places, externalNames: ["b"] }), first);
});

Deno.test("what a node holds is in the list at once", () => {
  const live = { ...node };
  const places = { ...PLACES, nodes: [live] };
  const list = new MergedList();
  equal(list.of(places).length, 2);
  Object.assign(live, { models: new Map() });
  equal(list.of(places).length, 1);
});
