import { equal } from "node:assert/strict";
import { describeSlotWait, describeWake } from "../../../lib/nodes/describe_node_wait.ts";

for (
  const { nodes, waitingCount, want } of [
    { nodes: ["a", "b", "c"], waitingCount: 12, want: 'a slot of one of 3 nodes that hold "m", as 12 do' },
    { nodes: ["a", "b"], waitingCount: 1, want: 'a slot of one of 2 nodes that hold "m"' },
    { nodes: ["gpu1"], waitingCount: 2, want: 'a slot of gpu1, which holds "m", as 2 do' },
    { nodes: ["gpu1"], waitingCount: 0, want: 'a slot of gpu1, which holds "m"' },
  ]
) {
  Deno.test(`${waitingCount} wait for a slot of ${nodes.join(", ")}`, () => {
    equal(describeSlotWait({ model: "m", nodes, waitingCount }), want);
  });
}

Deno.test("a node is being woken: whoever tells of the wait says for how long", () => {
  equal(describeWake("gpu1"), "gpu1 to wake up");
});
