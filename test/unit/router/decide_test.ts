import { equal, match } from "node:assert/strict";
import { decide, type ExternalFacts, type Facts } from "../../../lib/router/decide.ts";

const demand = { model: "big", key: "big" };
const up: ExternalFacts = { url: "http://x:1", health: "up", reason: "", modelKeys: new Set(["big"]) };
const down: ExternalFacts = { ...up, health: "down", reason: "connection refused" };
const other: ExternalFacts = { ...up, modelKeys: new Set(["small"]) };
const rpcBackendCount = 1;

const rows: { name: string; facts: Facts; to: string; code?: string; because: RegExp }[] = [
  {
    name: "shards over the rpc backends",
    facts: { shardingEnabled: true, rpcBackendCount, external: undefined },
    to: "coordinator",
    because: /"big" is sharded/,
  },
  {
    name: "prefers the coordinator that somebody else runs",
    facts: { shardingEnabled: true, rpcBackendCount, external: up },
    to: "external",
    because: /served by the coordinator at http:\/\/x:1/,
  },
  {
    name: "does not ask an external coordinator for a model that it does not serve",
    facts: { shardingEnabled: true, rpcBackendCount, external: other },
    to: "coordinator",
    because: /does not serve "big"/,
  },
  {
    name: "falls back to its own backends when the external coordinator is down",
    facts: { shardingEnabled: true, rpcBackendCount, external: down },
    to: "coordinator",
    because: /is down: connection refused/,
  },
  {
    name: "says what is missing when there is no backend",
    facts: { shardingEnabled: true, rpcBackendCount: 0, external: undefined },
    to: "nowhere",
    code: "no_capacity",
    because: /no rpc backend is known; .*sollol register HOST:PORT/,
  },
  {
    name: "names the dead external coordinator when nothing else could serve",
    facts: { shardingEnabled: true, rpcBackendCount: 0, external: down },
    to: "nowhere",
    code: "backend_unreachable",
    because: /http:\/\/x:1 is down: connection refused/,
  },
  {
    name: "respects the switch",
    facts: { shardingEnabled: false, rpcBackendCount, external: undefined },
    to: "nowhere",
    code: "no_capacity",
    because: /model_sharding_enabled/,
  },
];

for (const { name, facts, to, code, because } of rows) {
  Deno.test(`decide() ${name}`, () => {
    const decision = decide(demand, facts);
    equal(decision.to, to, decision.because);
    equal("code" in decision ? decision.code : undefined, code);
    match(decision.because, because);
  });
}
