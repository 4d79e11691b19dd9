import { deepEqual, equal } from "node:assert/strict";
import { NodeRouteBed } from "./node_route_bed.ts";

Deno.test("GET /health counts what a node holds, and looks at none of it", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.gateway.nodes.views = () => {
    throw new Error("somebody looked");
  };
  const { status, body } = await bed.get("/health");
  equal(status, 200);
  const [{ name, modelCount, residentCount, ...others }] = body.nodes;
  deepEqual([name, modelCount, residentCount], ["a", bed.gateway.nodes.nodes[0]!.models.size, 0]);
  deepEqual(["models" in others, "resident" in others, others.health], [false, false, "up"]);
});
