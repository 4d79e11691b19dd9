import { deepEqual, equal } from "node:assert/strict";
import { ModelNotes } from "../../../lib/nodes/model_notes.ts";

Deno.test("a note is true for its time", () => {
  const notes = new ModelNotes<number>(1_000);
  notes.set("a", "1", 7, 500);
  deepEqual([notes.get("a", 1_499), notes.get("a", 1_500), notes.get("b", 500)], [7, undefined, undefined]);
});

for (
  const { name, held, nowMs, isKept } of [
    { name: "the same model", held: "1", nowMs: 0, isKept: true },
    { name: "another model of that name", held: "2", nowMs: 0, isKept: false },
    { name: "no such model any more", held: undefined, nowMs: 0, isKept: true },
    { name: "the same model after its time", held: "1", nowMs: 1_000, isKept: false },
  ]
) {
  Deno.test(`a note on a node with ${name} is ${isKept ? "kept" : "forgotten"}`, () => {
    const notes = new ModelNotes<true>(1_000);
    notes.set("a", "1", true, 0);
    notes.prune(new Map(held === undefined ? [] : [["a", { digest: held }]]), nowMs);
    equal(notes.size, isKept ? 1 : 0);
  });
}
