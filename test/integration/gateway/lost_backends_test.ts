import { deepEqual, match, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { PLACE_PATIENCE_MS } from "../../../lib/pool/start.ts";
import { askedOf, isWhole, MODEL, NodeRouteBed, type NodeWish, read } from "./node_route_bed.ts";

const CONFIG = `
model_profiles: { "${MODEL}": { requires_distributed: true } }
`;

/** A gateway whose coordinator of the model has answered, and died since with all its rpc backends. */
async function openBereft(nodes: NodeWish[]): Promise<NodeRouteBed> {
  let isLost = false;
  const bed = await NodeRouteBed.open(nodes, {
    models: [MODEL],
    config: CONFIG,
    refuseMisfit: () => {
      if (isLost) throw new GatewayError("backend_unreachable", "None of its rpc backends can be used");
    },
  });
  await bed.get("/v1/models"); // so that the gateway knows that it has the model itself
  const { headers } = await read(bed.chat());
  match(headers.get("x-sollol-upstream")!, /^coordinator of /);
  isLost = true;
  await bed.gateway.coordinators[0]!.die("its rpc backends were lost");
  return bed;
}

Deno.test("a request does not wait for lost rpc backends where a node may answer it", async () => {
  await using bed = await openBereft([{}]);
  const answer = await read(bed.chat());
  ok(isWhole(answer), answer.text);
  deepEqual([answer.headers.get("x-sollol-upstream"), askedOf(bed.a).length], ["a", 1]);
  match(answer.headers.get("x-sollol-decision")!, /None of its rpc backends can be used/);
  ok(Number(answer.headers.get("x-sollol-duration-ms")) < PLACE_PATIENCE_MS);
});
