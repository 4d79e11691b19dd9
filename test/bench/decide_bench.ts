import { equal } from "node:assert/strict";
import type { KnownNode } from "../../lib/nodes/node.ts";
import { decideRoute } from "../../lib/router/decide_route.ts";
import type { Demand } from "../../lib/router/decision.ts";
import { explainRoute } from "../../lib/router/explain_route.ts";
import { GIB } from "../../lib/units.ts";
import { knownNode, needOf } from "../fixtures/known_nodes.ts";
import { routeFacts, type RouteFactWishes } from "../fixtures/route_facts.ts";

// `decide()` is to take less than 50 µs with 100 nodes and 1,000 models.

const MODEL_COUNT = 1_000;
const NODE_COUNT = 100;

const held = Object.fromEntries(Array.from({ length: MODEL_COUNT }, (_, at) => [`model${at}`, 5 * GIB]));
const nodes: readonly KnownNode[] = Array.from({ length: NODE_COUNT }, (_, at) =>
  knownNode(`node${at}`, {
    held,
    loaded: at % 3 === 0 ? { model7: 6 * GIB } : { model8: 6 * GIB },
    speeds: at % 2 === 0 ? { model7: 20 + at } : {},
    inFlightCount: at % 4,
    lastTurn: (at * 37) % NODE_COUNT,
  }));
const full = nodes.map((node) => ({ ...node, inFlightCount: 4 }));
const small = nodes.map((node) => ({ ...node, resident: new Map(), memoryBytes: GIB }));

const demand: Demand = { model: "model7", key: "model7", affinity: "node42", tried: new Set(["node3"]) };

/** Decides for a model of 6 GiB. */
function bench(name: string, wishes: RouteFactWishes, to: string, told: Partial<Demand> = {}): void {
  const facts = { ...routeFacts({ need: needOf(6 * GIB), ...wishes }), nodeCount: NODE_COUNT };
  const request = { ...demand, ...told };
  equal(decideRoute(request, facts).to, to);
  Deno.bench(`decideRoute(): ${name}`, () => {
    decideRoute(request, facts);
  });
}

bench("3 of 100 nodes hold the model", { holders: nodes.slice(0, 3) }, "node");
bench("100 of 100 nodes hold the model", { holders: nodes }, "node");
for (const policy of ["least_busy", "round_robin", "fastest"] as const) {
  bench(`100 of 100 nodes hold the model, ${policy}`, { holders: nodes, rules: { policy } }, "node");
}
bench("100 nodes hold it, all are full", { holders: full }, "line");
bench("100 nodes hold it, but it fits none", { holders: small }, "coordinator");
bench("100 nodes hold it, and one is wished for", { holders: nodes }, "node", { wish: "node99" });
bench("no node holds it, and it is sharded", {}, "coordinator");

const facts = { ...routeFacts({ need: needOf(6 * GIB), holders: nodes }), nodeCount: NODE_COUNT };
Deno.bench("explainRoute(): 100 of 100 nodes hold the model", () => {
  explainRoute(demand, facts);
});
