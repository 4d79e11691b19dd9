import { deepEqual, equal, throws } from "node:assert/strict";
import { ManagedNodes } from "../../../lib/model_management/managed_nodes.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const ACTION = { verb: "delete", preposition: "on" };
const HOUR_MS = 60 * 60_000;

function managed(nodes: readonly KnownNode[], clock = new FakeClock()) {
  const known = {
    nodes: [...nodes],
    holdersOf: (key: string) => known.nodes.filter(({ models }) => models.has(key)),
  };
  return { known, clock, managed: new ManagedNodes({ nodes: known, keyOf: (model) => model, clock }) };
}

Deno.test("who holds a model goes before who has most room", () => {
  const { managed: nodes } = managed([knownNode("a"), knownNode("b", { held: { m: 1 }, memoryBytes: GIB })]);
  equal(nodes.holder("m", ACTION).name, "b");
  equal(nodes.holder("other", ACTION).name, "a");
});

Deno.test("a model whose only holder is down is with nobody else", () => {
  const { managed: nodes } = managed([knownNode("a"), knownNode("b", { held: { m: 1 }, health: "down" })]);
  throws(() => nodes.holder("m", ACTION), {
    code: "backend_unreachable",
    message: /^Cannot delete "m" on node b: it is down: /,
  });
});

Deno.test("blobs go to the same node for an hour from the last on, as long as it is up", () => {
  const [a, b] = [knownNode("a", { memoryBytes: 2 * GIB }), knownNode("b", { memoryBytes: GIB })];
  const { managed: nodes, known, clock } = managed([a, b]);
  equal(nodes.workbench(ACTION).name, "a");
  known.nodes = [{ ...a, memoryBytes: 0 }, b];
  clock.advance(HOUR_MS - 1);
  equal(nodes.workbench(ACTION).name, "a");
  clock.advance(HOUR_MS - 1);
  equal(nodes.workbench(ACTION).name, "a");
  clock.advance(HOUR_MS);
  equal(nodes.workbench(ACTION).name, "b");
  known.nodes = [a, { ...b, health: "down" }];
  equal(nodes.workbench(ACTION).name, "a");
});

Deno.test("a new model goes to who may serve it, also if another has more room", () => {
  const big = knownNode("a", { memoryBytes: 2 * GIB, allowed: ["other"] });
  const { managed: nodes } = managed([big, knownNode("b", { memoryBytes: GIB })]);
  equal(nodes.roomiest(ACTION, "m")[0].name, "b");
  equal(nodes.roomiest(ACTION, "other")[0].name, "a");
  equal(nodes.roomiest(ACTION)[0].name, "a");
});

Deno.test("holders that are up and those that are not are told apart", () => {
  const held = { m: 1 };
  const { managed: nodes } = managed([
    ...[knownNode("a", { held }), knownNode("b", { held, health: "down" }), knownNode("c")],
  ]);
  deepEqual(nodes.holders("m").map(({ name }) => name), ["a"]);
  deepEqual(nodes.missingHolders("m").map(({ name }) => name), ["b"]);
});
