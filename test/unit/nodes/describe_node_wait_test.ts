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

for (
  const { wakingMs, want } of [
    { wakingMs: 0, want: "gpu1 to wake up (0 ms so far)" },
    { wakingMs: 23_040, want: "gpu1 to wake up (23.0 s so far)" },
    { wakingMs: 95_000, want: "gpu1 to wake up (1 min 35 s so far)" },
  ]
) {
  Deno.test(`a node is being woken for ${wakingMs} ms`, () => equal(describeWake("gpu1", wakingMs), want));
}
