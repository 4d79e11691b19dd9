import { deepEqual, equal } from "node:assert/strict";
import { HeldModels } from "../../../lib/nodes/held_models.ts";
import type { NodeModel } from "../../../lib/nodes/node.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const digests = (held: HeldModels) => [...held.models].map(({ digest }) => digest).sort();

Deno.test("what several nodes hold, or one under two names, is one model", () => {
  const held = new HeldModels();
  held.put(knownNode("a", { held: { x: GIB, y: GIB }, digests: { x: "1", y: "1" } }));
  held.put(knownNode("b", { held: { x: GIB }, digests: { x: "1" } }));
  deepEqual(digests(held), ["1"]);
  const [model, ...others] = held.withKey("x");
  deepEqual([others, held.withKey("y")], [[], [model]]);
  held.remove({ url: "http://b:11434" });
  deepEqual(held.withKey("x"), [model], "the other one still has it");
});

Deno.test("one name can mean several models", () => {
  const held = new HeldModels();
  held.put(knownNode("a", { held: { x: GIB }, digests: { x: "1" } }));
  held.put(knownNode("b", { held: { x: 2 * GIB }, digests: { x: "2" } }));
  deepEqual(held.withKey("x").map(({ digest }) => digest), ["1", "2"]);
});

Deno.test("models without a digest are one for each node and name", () => {
  const held = new HeldModels();
  const nothing = { x: "", y: "" };
  held.put(knownNode("a", { held: { x: GIB, y: GIB }, digests: nothing }));
  held.put(knownNode("b", { held: { x: GIB }, digests: nothing }));
  equal([...held.models].length, 3);
});

Deno.test("what nobody holds any more is told, and forgotten", () => {
  const held = new HeldModels();
  held.put(knownNode("a", { held: { x: GIB, y: GIB }, digests: { x: "1", y: "2" } }));
  held.put(knownNode("b", { held: { x: GIB }, digests: { x: "1" } }));
  const gone = held.put(knownNode("a", { held: { z: GIB }, digests: { z: "3" } }));
  deepEqual([gone.map(({ digest }) => digest), digests(held)], [["2"], ["1", "3"]]);
  deepEqual(held.withKey("y"), []);
  deepEqual(held.remove({ url: "http://b:11434" }).map(({ digest }) => digest), ["1"]);
  deepEqual(held.withKey("x"), []);
  deepEqual(held.remove({ url: "http://nobody:11434" }), []);
});

Deno.test("what is known of a model outlives its node's next list", () => {
  const held = new HeldModels();
  const node = knownNode("a", { held: { x: GIB }, digests: { x: "1" } });
  held.put(node);
  const [model] = held.withKey("x");
  model!.useless.add([...model!.places.keys()][0]!);
  equal(model!.isOpen, false);
  deepEqual(held.put(knownNode("a", { held: { x: GIB, y: GIB }, digests: { x: "1", y: "2" } })), []);
  equal(held.withKey("x")[0], model);
  equal(model!.isOpen, true, "another node at that place may know more");
});

Deno.test("a node is not asked again for what it was asked in vain, whatever else its next lists have", () => {
  const held = new HeldModels();
  const node = knownNode("a", { held: { x: GIB }, digests: { x: "1" } });
  held.put(node);
  const [model] = held.withKey("x");
  model!.useless.add([...model!.places.keys()][0]!);
  const { x } = Object.fromEntries(node.models);
  const list = (...models: NodeModel[]) => {
    held.put(Object.assign(node, { models: new Map(models.map((one) => [one.key, one])) }));
    return model!.isOpen;
  };
  equal(list(x!, { ...x!, key: "y", name: "y", digest: "2" }), false);
  equal(list({ ...x!, modifiedAtMs: 7 }), false);
  equal(list({ ...x!, name: "X" }), true, "by another name it may be found");
});

Deno.test("a size tells a need, no size none", () => {
  const held = new HeldModels();
  held.put(
    knownNode("a", { held: { "m:8b": 5 * GIB, "empty:8b": 0 }, digests: { "m:8b": "1", "empty:8b": "2" } }),
  );
  const need = held.withKey("m:8b")[0]!.need!;
  deepEqual([need.bytes, need.source, need.parameterCount], [6 * GIB, "size", 8e9]);
  equal(held.withKey("empty:8b")[0]!.need, undefined);
});

Deno.test("no more than 20,000 models are kept", () => {
  const held = new HeldModels();
  const many = Array.from({ length: 20_001 }, (_, index) => `m${index}`);
  const list = Object.fromEntries(many.map((key) => [key, GIB]));
  held.put(knownNode("a", { held: list, digests: Object.fromEntries(many.map((key) => [key, key])) }));
  equal([...held.models].length, 20_000);
  deepEqual(held.withKey("m20000"), []);
});
