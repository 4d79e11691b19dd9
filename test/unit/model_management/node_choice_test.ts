import { deepEqual, throws } from "node:assert/strict";
import { byRoom, namedNodes, upNodes } from "../../../lib/model_management/node_choice.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const PULL = { verb: "pull", preposition: "to" };
const names = (nodes: readonly { name: string }[]) => nodes.map(({ name }) => name);

for (
  const { name, nodes, want } of [
    {
      name: "most free memory",
      nodes: [knownNode("a", { memoryBytes: 8 * GIB }), knownNode("b", { memoryBytes: 9 * GIB })],
      want: ["b", "a"],
    },
    {
      name: "most memory that no model takes",
      nodes: [
        knownNode("a", { memoryBytes: 24 * GIB, loaded: { m: 20 * GIB } }),
        knownNode("b", { memoryBytes: 8 * GIB }),
      ],
      want: ["b", "a"],
    },
    {
      name: "memory that is known",
      nodes: [knownNode("a", { memoryBytes: undefined }), knownNode("b", { memoryBytes: GIB })],
      want: ["b", "a"],
    },
    {
      name: "the least on its disk, where memory says nothing",
      nodes: [
        knownNode("a", { memoryBytes: undefined, held: { m: 5 } }),
        knownNode("b", { memoryBytes: undefined, held: { m: 4 } }),
      ],
      want: ["b", "a"],
    },
    { name: "the first name, where all is equal", nodes: [knownNode("b"), knownNode("a")], want: ["a", "b"] },
  ]
) {
  Deno.test(`the node with ${name} comes first`, () => deepEqual(names(byRoom(nodes)), want));
}

Deno.test("only nodes that are up are chosen", () => {
  const nodes = [knownNode("a", { health: "down" }), knownNode("b"), knownNode("c", { health: "unknown" })];
  deepEqual(names(upNodes(nodes, PULL)), ["b"]);
});

Deno.test("without any there is a sentence on what to do", () => {
  throws(() => upNodes([], PULL), {
    code: "not_implemented",
    message: /^There is no Ollama node to pull to; add one/,
  });
  const nodes = [knownNode("a", { health: "down", reason: "connection refused" })];
  throws(() => upNodes(nodes, PULL), {
    code: "backend_unreachable",
    message: "Cannot pull: no Ollama node is up; a is down: connection refused",
  });
});

Deno.test("nodes are named by name or URL, each once", () => {
  const nodes = [knownNode("a"), knownNode("b")];
  deepEqual(names(namedNodes(nodes, ["b", "http://a:11434/", "b"])), ["b", "a"]);
  throws(() => namedNodes(nodes, ["a", "z"]), { code: "not_found", message: /"z"/ });
});
