import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import type { ExternalFacts } from "../../../lib/coordinator/external.ts";
import { decide, type Demand, type Facts } from "../../../lib/router/decide.ts";

const demand: Demand = { model: "big", key: "big" };
const up: ExternalFacts = {
  url: "http://x:1",
  health: "up",
  reason: "it serves big",
  modelKeys: new Set(["big"]),
  mayServeMore: false,
};
const down: ExternalFacts = { ...up, health: "down", reason: "connection refused" };
const other: ExternalFacts = { ...up, modelKeys: new Set(["small"]) };
const untold: ExternalFacts = { ...down, modelKeys: new Set(), mayServeMore: true };
const sharding: Facts = { shardingEnabled: true, rpcBackendCount: 1, external: [] };
const bare: Facts = { ...sharding, rpcBackendCount: 0 };

function at(port: number, facts: ExternalFacts): ExternalFacts {
  return { ...facts, url: `http://x:${port}` };
}

const rows: { name: string; facts: Facts; tried?: string[]; to: string; code?: string; because: RegExp }[] = [
  {
    name: "shards over the rpc backends",
    facts: sharding,
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "prefers the coordinator that somebody else runs",
    facts: { ...sharding, external: [up] },
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:1$/,
  },
  {
    name: "counts those that are up and serve it",
    facts: { ...sharding, external: [up, at(2, up), at(3, down), at(4, other)] },
    to: "external",
    because: /^"big" is served by 2 coordinators that others run$/,
  },
  {
    name: "passes over the one that is down",
    facts: { ...sharding, external: [down, at(2, up)] },
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:2$/,
  },
  {
    name: "does not ask an external coordinator for a model that it does not serve",
    facts: { ...sharding, external: [other] },
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 does not serve "big"$/,
  },
  {
    name: "counts those that do not serve it",
    facts: { ...sharding, external: [other, at(2, other)] },
    to: "coordinator",
    because: /; 2 coordinators that others run do not serve "big"$/,
  },
  {
    name: "falls back to its own backends when the external coordinator is down",
    facts: { ...sharding, external: [down] },
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 is down: connection refused$/,
  },
  {
    name: "does not wait for one that loads",
    facts: { ...sharding, external: [{ ...up, health: "loading" }] },
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 is loading its model$/,
  },
  {
    name: "does not ask one that was not checked yet",
    facts: { ...sharding, external: [{ ...up, health: "unknown" }] },
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 has not answered yet$/,
  },
  {
    name: "does not choose again what the request could not reach",
    facts: { ...sharding, external: [up] },
    tried: ["http://x:1"],
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 could not be reached a moment ago$/,
  },
  {
    name: "takes the next one then",
    facts: { ...sharding, external: [up, at(2, up)] },
    tried: ["http://x:1"],
    to: "external",
    because: /http:\/\/x:2$/,
  },
  {
    name: "tells of three and counts the rest",
    facts: { ...bare, external: [1, 2, 3, 4, 5].map((port) => at(port, down)) },
    to: "nowhere",
    code: "backend_unreachable",
    because: /x:1 is down: .*x:2 is down: .*x:3 is down: [^:]*; so it is with 2 more; start ggml/,
  },
  {
    name: "says what is missing when there is no backend",
    facts: bare,
    to: "nowhere",
    code: "no_capacity",
    because: /no rpc backend is known; .*sollol register HOST:PORT/,
  },
  {
    name: "names the dead external coordinator when nothing else could serve",
    facts: { ...bare, external: [down] },
    to: "nowhere",
    code: "backend_unreachable",
    because: /http:\/\/x:1 is down: connection refused/,
  },
  {
    name: "does not blame a dead one that would not serve it",
    facts: { ...bare, external: [{ ...other, health: "down" }] },
    to: "nowhere",
    code: "no_capacity",
    because: /does not serve "big"/,
  },
  {
    name: "blames a dead one that has never told what it serves",
    facts: { ...bare, external: [untold] },
    to: "nowhere",
    code: "backend_unreachable",
    because: /is down: connection refused/,
  },
  {
    name: "has the client come back while one that serves it loads",
    facts: { ...bare, external: [down, at(2, { ...up, health: "loading" })] },
    to: "nowhere",
    code: "loading",
    because: /x:1 is down: connection refused; the coordinator at http:\/\/x:2 is loading its model/,
  },
  {
    name: "respects the switch",
    facts: { ...sharding, shardingEnabled: false },
    to: "nowhere",
    code: "no_capacity",
    because: /model_sharding_enabled/,
  },
];

for (const { name, facts, tried = [], to, code, because } of rows) {
  Deno.test(`decide() ${name}`, () => {
    const decision = decide({ ...demand, tried: new Set(tried) }, facts);
    equal(decision.to, to, decision.because);
    equal("code" in decision ? decision.code : undefined, code);
    match(decision.because, because);
    doesNotMatch(decision.because, /; ;|;;|undefined/);
  });
}

for (
  const { name, external, want } of [
    { name: "no model of ours is just not found", external: [], want: undefined },
    { name: "nor is one that nobody else serves", external: [other], want: undefined },
    {
      name: "one that is served elsewhere is not called unknown while that is down",
      external: [down],
      want: {
        code: "backend_unreachable",
        because:
          'Cannot serve "big": no such model is stored here; the coordinator at http://x:1 is down: connection refused',
      },
    },
    {
      name: "nor while it loads",
      external: [{ ...up, health: "loading" } as const],
      want: {
        code: "loading",
        because:
          'Cannot serve "big": no such model is stored here; the coordinator at http://x:1 is loading its model',
      },
    },
    {
      name: "nor while it is not known what is served elsewhere",
      external: [untold],
      want: {
        code: "backend_unreachable",
        because:
          'Cannot serve "big": no such model is stored here; the coordinator at http://x:1 is down: connection refused',
      },
    },
  ]
) {
  for (const facts of [sharding, bare]) {
    Deno.test(`decide() with ${facts.rpcBackendCount} rpc backends: ${name}`, () => {
      const decision = decide(demand, { ...facts, external });
      deepEqual("unlessStored" in decision && decision.unlessStored, want);
    });
  }
}
