import { deepEqual, equal } from "node:assert/strict";
import type { Config } from "../../../lib/config/config.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import type { PoolView } from "../../../lib/pool/pooled.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { modeOf, RouteFacts } from "../../../lib/router/route_facts.ts";
import { type BackendView, UNLIMITED } from "../../../lib/rpc/backend.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { knownNode, needOf } from "../../fixtures/known_nodes.ts";

/** Facts over these backends, and how often they were looked at. */
function bed({ views = [], state, config = {} }: {
  views?: readonly BackendView[];
  state?: PoolView["state"];
  config?: Partial<Config>;
} = {}) {
  const clock = new FakeClock();
  const nodes = [knownNode("a", { held: { m: 5 } }), knownNode("b")];
  const told = { lookCount: 0 };
  const facts = new RouteFacts({
    config: { ...mergeConfig({}).config, ...config },
    nodes: { nodes, holdersOf: (key) => nodes.filter(({ models }) => models.has(key)), unaskedNodes: [] },
    needs: { needOf: (key) => key === "m" ? needOf(GIB) : undefined },
    backends: {
      views: () => {
        told.lookCount++;
        return views;
      },
    },
    pool: { view: () => state && ({ state } as PoolView) },
    externals: { facts: [] },
    catalog: { isStored: (key) => key === "m" ? true : undefined },
    clock,
  });
  return { facts, clock, told };
}

for (
  const [sharding, distribution, mode] of [
    [true, true, "hybrid"],
    [true, false, "sharding"],
    [false, true, "distribution"],
    [false, false, "single"],
  ] as const
) {
  Deno.test(`sharding ${sharding} and distribution ${distribution} are the mode ${mode}`, () => {
    equal(modeOf({ modelShardingEnabled: sharding, taskDistributionEnabled: distribution }), mode);
  });
}

Deno.test("what is known of a model is collected by its key, and of another one nothing", () => {
  const { facts } = bed();
  const { holders, need, nodeCount, sharding } = facts.of("m");
  deepEqual([holders.map(({ name }) => name), need?.bytes, nodeCount, sharding.isStored], [
    ["a"],
    GIB,
    2,
    true,
  ]);
  const other = facts.of("__proto__");
  deepEqual([other.holders, other.need, other.sharding.isStored], [[], undefined, undefined]);
});

for (
  const { name, views, counts, gib } of [
    { name: "no backend", views: [], counts: [0, 0, 0], gib: 0 },
    {
      name: "those that are up, and those that ours hold",
      views: [backendView("a:1"), backendView("b:1", { health: "held", holder: "c" })],
      counts: [2, 1, 1],
      gib: 48,
    },
    {
      name: "none that is down, or that somebody else holds",
      views: [backendView("a:1", { health: "down" }), backendView("b:1", { health: "held" })],
      counts: [2, 0, 0],
      gib: 0,
    },
    {
      name: "none that is excluded, or about to go",
      views: [
        backendView("a:1", { limits: { ...UNLIMITED, isExcluded: true } }),
        backendView("b:1", { isDraining: true }),
      ],
      counts: [2, 0, 0],
      gib: 0,
    },
    {
      name: "no more of one than the operator allows",
      views: [backendView("a:1", { limits: { ...UNLIMITED, memoryLimitBytes: 4 * GIB } })],
      counts: [1, 1, 0],
      gib: 4,
    },
    {
      name: "one memory once, whoever tells of it",
      views: ["a:1", "a:2"].map((endpoint) => backendView(endpoint, { devices: backendView("a:1").devices })),
      counts: [2, 2, 0],
      gib: 24,
    },
  ]
) {
  Deno.test(`the sums count ${name}`, () => {
    const { backendCount, freeCount, leasedCount, usableBytes } = bed({ views }).facts.of("m").sharding;
    deepEqual([backendCount, freeCount, leasedCount, usableBytes / GIB], [...counts, gib]);
  });
}

Deno.test("the sums are made once in 100 ms, however many requests come", () => {
  const { facts, clock, told } = bed();
  for (let count = 0; count < 50; count++) facts.of(`m${count}`);
  equal(told.lookCount, 1);
  clock.advance(101);
  facts.of("m");
  equal(told.lookCount, 2);
});

Deno.test("the operator's word goes before what was found out", () => {
  const modelProfiles = {
    m: { parameterCount: 70, memoryBytes: 40e9, requiresDistributed: true, route: "gpu1" },
  };
  const { rules, need } = bed({ config: { modelProfiles } }).facts.of(
    toWanted("m").key,
  );
  deepEqual([rules.profile?.route, rules.profile?.requiresDistributed], ["gpu1", true]);
  deepEqual([need?.bytes, need?.parameterCount, need?.source], [40e9, 70e9, "profile"]);
});
