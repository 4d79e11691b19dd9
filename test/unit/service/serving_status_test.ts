import { equal } from "node:assert/strict";
import type { GatewayHealth } from "../../../lib/gateway.ts";
import {
  describeDraining,
  describeServing,
  type ServingRemarks,
} from "../../../lib/service/serving_status.ts";

const SOUND: ServingRemarks = { restartNeeded: undefined, configFault: undefined };

/** Upstreams by their health, such as `["up", "down"]`. */
function upstreams(health: readonly string[]): never {
  return health.map((one) => ({ health: one })) as never; // no other field is read
}

function health(
  { nodes = [], backends = [], externals = [] }: Partial<
    Record<"nodes" | "backends" | "externals", readonly string[]>
  >,
): Pick<GatewayHealth, "nodes" | "rpcBackends" | "externalCoordinators"> {
  return {
    nodes: upstreams(nodes),
    rpcBackends: upstreams(backends),
    externalCoordinators: upstreams(externals),
  };
}

for (
  const { name, of, remarks = SOUND, want } of [
    { name: "counts nobody", of: {}, want: "serves on http://a:1: 0 nodes, 0 rpc backends" },
    {
      name: "counts nodes and rpc backends",
      of: { nodes: ["up", "up", "unknown"], backends: ["up", "held"] },
      want: "serves on http://a:1: 3 nodes, 2 rpc backends",
    },
    {
      name: "knows one from several",
      of: { nodes: ["up"], backends: ["up"], externals: ["up"] },
      want: "serves on http://a:1: 1 node, 1 rpc backend, 1 external coordinator",
    },
    {
      name: "says how many are down",
      of: { nodes: ["up", "down"], backends: ["down", "down"] },
      want: "serves on http://a:1: 2 nodes (1 down), 2 rpc backends (2 down)",
    },
    {
      name: "says that it should be restarted, and that its configuration is wrong",
      of: {},
      remarks: { restartNeeded: "restart it", configFault: "slots must be a number" },
      want: "serves on http://a:1: 0 nodes, 0 rpc backends; restart it; " +
        "its new configuration was not taken: slots must be a number",
    },
  ]
) {
  Deno.test(`the status of a gateway ${name}`, () => {
    equal(describeServing("http://a:1", health(of), remarks), want);
  });
}

for (
  const [inFlightCount, want] of [
    [0, "shuts down"],
    [1, "lets 1 request finish, at most 30.0 s"],
    [2, "lets 2 requests finish, at most 30.0 s"],
  ] as const
) {
  Deno.test(`a gateway that ends with ${inFlightCount} requests under way ${want}`, () => {
    equal(describeDraining(inFlightCount, 30_000), want);
  });
}
