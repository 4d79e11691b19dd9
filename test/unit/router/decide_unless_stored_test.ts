import { deepEqual } from "node:assert/strict";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import { GIB } from "../../../lib/units.ts";
import { demand, down, facts, loading, node, other, untold } from "../../fixtures/decision_rows.ts";
import { NO_BACKENDS } from "../../fixtures/route_facts.ts";

const DOWN_BECAUSE =
  'Cannot serve "big": no such model is stored here; the coordinator at http://x:1 is down: connection refused';

for (
  const { name, told, want } of [
    { name: "no model of ours is just not found", told: {}, want: undefined },
    { name: "nor is one that nobody else serves", told: { external: [other] }, want: undefined },
    {
      name: "one that is served elsewhere is not called unknown while that is down",
      told: { external: [down] },
      want: { code: "backend_unreachable", because: DOWN_BECAUSE },
    },
    {
      name: "nor while it loads",
      told: { external: [loading] },
      want: {
        code: "loading",
        because:
          'Cannot serve "big": no such model is stored here; the coordinator at http://x:1 is loading its model',
      },
    },
    {
      name: "nor while it is not known what is served elsewhere",
      told: { external: [untold] },
      want: { code: "backend_unreachable", because: DOWN_BECAUSE },
    },
    {
      name: "nor while a node that holds it is down",
      told: { holders: [node("gpu1", { health: "down" })] },
      want: {
        code: "backend_unreachable",
        because: 'Cannot serve "big": no such model is stored here; gpu1 is down: connection refused',
      },
    },
    {
      name: "nor if it is too large for the node that holds it",
      told: { holders: [node("gpu1", { memoryBytes: GIB })] },
      want: {
        code: "insufficient_memory",
        because:
          'Cannot serve "big": no such model is stored here; it needs 20.0 GiB by its file; gpu1 has 1.0 GiB',
      },
    },
  ] as const
) {
  for (const sharding of [{}, NO_BACKENDS]) {
    const count = "backendCount" in sharding ? "no" : "two";
    Deno.test(`decideRoute() with ${count} rpc backends: ${name}`, () => {
      const decision = decideRoute(demand, facts({ ...told, sharding }));
      deepEqual("unlessStored" in decision && decision.unlessStored, want);
    });
  }
}
