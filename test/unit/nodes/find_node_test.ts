import { equal, throws } from "node:assert/strict";
import { findNode } from "../../../lib/nodes/find_node.ts";

const NODES = [
  { name: "gpu", url: "http://10.0.0.1:11434", aliases: ["http://gpu.lan:11434"] },
  { name: "10.0.0.1", url: "http://10.0.0.2:11434", aliases: [] },
];

for (
  const { said, want } of [
    { said: "gpu", want: "gpu" },
    { said: "http://10.0.0.1", want: undefined }, // port 80
    { said: "http://10.0.0.1:11434/", want: "gpu" },
    { said: "GPU.lan", want: "gpu" },
    { said: "10.0.0.1", want: "10.0.0.1" }, // a name counts more than an address
    { said: "10.0.0.2:11434", want: "10.0.0.1" },
    { said: "", want: undefined },
    { said: "http://ada:hunter2@10.0.0.1:11434", want: undefined },
  ]
) {
  Deno.test(`findNode() takes "${said}" for ${want ?? "no node"}`, () => {
    if (want === undefined) throws(() => findNode(NODES, said), { code: "not_found" });
    else equal(findNode(NODES, said).name, want);
  });
}

Deno.test("findNode() stays a sentence, whatever was asked for", () => {
  throws(() => findNode(NODES, "x".repeat(100_000)), (error: Error) => error.message.length < 200);
});
