import { deepEqual } from "node:assert/strict";
import type { NodeLease } from "../../../lib/nodes/node.ts";
import type { Failure } from "../../../lib/router/failure.ts";
import { nodeRoute, type Route } from "../../../lib/router/route.ts";
import { TriedUpstreams } from "../../../lib/router/tried_upstreams.ts";
import { knownNode, type KnownNodeWishes } from "../../fixtures/known_nodes.ts";

const wake = { mac: "aa:bb:cc:dd:ee:ff", broadcast: "192.0.2.255", port: 9 };

function routeTo(wishes: KnownNodeWishes): Route {
  const lost = new AbortController().signal;
  return nodeRoute({ node: knownNode("a", wishes), modelName: "m", lost } as NodeLease, "because", 0);
}

const COORDINATOR = { triedAs: "sharded", to: "coordinator" } as Route;
const failure: Failure = { error: new Error("x"), isRetryable: true, wasSent: false, isExcluded: true };

for (
  const { name, route, how, left } of [
    { name: "one that is up", route: routeTo({}), how: failure, left: 1 },
    { name: "one that sleeps for good", route: routeTo({ health: "down" }), how: failure, left: 1 },
    { name: "one that can be woken", route: routeTo({ health: "down", wake }), how: failure, left: 2 },
    { name: "one that is up, and could be woken", route: routeTo({ wake }), how: failure, left: 1 },
    {
      name: "one that began to work",
      route: routeTo({ health: "down", wake }),
      how: { ...failure, wasSent: true },
      left: 1,
    },
    { name: "a busy one", route: routeTo({}), how: { ...failure, isExcluded: false }, left: 3 },
    {
      name: "a coordinator of ours that died",
      route: COORDINATOR,
      how: { ...failure, isExcluded: false },
      left: Infinity,
    },
  ]
) {
  Deno.test(`${name} is left out after ${left} of 9 failures`, () => {
    const tried = new TriedUpstreams();
    const names = Array.from({ length: 9 }, () => {
      tried.failed(route, how);
      return tried.names.size;
    });
    deepEqual(names, names.map((_, at) => at + 1 >= left ? 1 : 0));
  });
}
