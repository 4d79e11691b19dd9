import { deepEqual } from "node:assert/strict";
import { digestConflicts } from "../../../lib/nodes/digest_conflicts.ts";
import { parseModels } from "../../../lib/nodes/node_answers.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

function holder(
  name: string,
  digests: Record<string, string>,
): Parameters<typeof digestConflicts>[0][number] {
  const models = Object.entries(digests).map(([model, digest]) => ({ name: model, digest }));
  return { name, models: [...parseModels(JSON.stringify({ models }))!.values()] };
}

Deno.test("one name with two digests is a conflict, and says who holds what, the most common first", () => {
  const nodes = [
    holder("a", { x: "11", y: "aa" }),
    holder("b", { x: "22", y: "aa" }),
    holder("c", { X: "22", z: "33" }),
  ];
  deepEqual(digestConflicts(nodes), [{
    key: toWanted("x").key,
    name: "X",
    variants: [{ digest: "22", nodes: ["b", "c"] }, { digest: "11", nodes: ["a"] }],
  }]);
});

Deno.test("a digest that nobody told is no other digest", () => {
  deepEqual(digestConflicts([holder("a", { x: "11" }), holder("b", { x: "" })]), []);
  deepEqual(digestConflicts([]), []);
});
