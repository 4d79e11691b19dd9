import { deepEqual, equal } from "node:assert/strict";
import { ModelHolders } from "../../../lib/nodes/model_holders.ts";
import type { NodeModel } from "../../../lib/nodes/node.ts";

/** A node that holds models by key, each with a digest. */
class FakeHolder {
  models: ReadonlyMap<string, NodeModel> = new Map();

  constructor(readonly name: string, ...held: string[]) {
    this.hold(...held);
  }

  /** @param held `key` or `key@digest` @returns what it held before */
  hold(...held: string[]): ReadonlyMap<string, NodeModel> {
    const before = this.models;
    this.models = new Map(held.map((text) => {
      const [key = "", digest = "1"] = text.split("@");
      return [key, { key, digest } as NodeModel];
    }));
    return before;
  }
}

const names = (holders: readonly FakeHolder[]) => holders.map(({ name }) => name);

Deno.test("those that hold a model are found in the order of the nodes, whoever came first", () => {
  const [a, b, c] = [new FakeHolder("a"), new FakeHolder("b", "x"), new FakeHolder("c")];
  const holders = new ModelHolders<FakeHolder>();
  holders.replace([a, b, c]);
  deepEqual(names(holders.of("x")), ["b"]);
  deepEqual(holders.update(c, c.hold("x", "y")), ["x", "y"]);
  deepEqual(holders.update(a, a.hold("x")), ["x"]);
  deepEqual([names(holders.of("x")), names(holders.of("y")), names(holders.of("z"))], [
    ["a", "b", "c"],
    ["c"],
    [],
  ]);
});

Deno.test("an update tells what is new, gone or another model now", () => {
  const a = new FakeHolder("a", "same", "gone", "other@1");
  const holders = new ModelHolders<FakeHolder>();
  holders.replace([a]);
  deepEqual(holders.update(a, a.hold("same", "other@2", "new")), ["gone", "other", "new"]);
  deepEqual(names(holders.of("gone")), []);
  deepEqual(holders.update(a, a.models), []);
});

Deno.test("a list that somebody reads does not change under their hands", () => {
  const [a, b] = [new FakeHolder("a", "x"), new FakeHolder("b")];
  const holders = new ModelHolders<FakeHolder>();
  holders.replace([a, b]);
  const read = holders.of("x");
  holders.update(b, b.hold("x"));
  holders.update(a, a.hold());
  deepEqual([names(read), names(holders.of("x"))], [["a"], ["b"]]);
});

Deno.test("other nodes take the place of all that was known, and what is none of them is not taken in", () => {
  const [a, b] = [new FakeHolder("a", "x"), new FakeHolder("b", "x")];
  const holders = new ModelHolders<FakeHolder>();
  holders.replace([a, b]);
  holders.replace([b]);
  deepEqual(names(holders.of("x")), ["b"]);
  deepEqual(holders.update(a, a.hold("y")), []);
  equal(holders.of("y").length, 0);
});
