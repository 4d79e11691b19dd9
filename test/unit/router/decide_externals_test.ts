import { deepEqual } from "node:assert/strict";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import {
  at,
  bare,
  demand,
  down,
  facts,
  loading,
  node,
  other,
  type Row,
  testDecisions,
  untold,
  up,
} from "../../fixtures/decision_rows.ts";

const EXTERNALS: readonly Row[] = [
  {
    name: "shards over the rpc backends",
    facts: facts(),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "prefers the coordinator that somebody else runs to one that has to load",
    facts: facts({ external: [up] }),
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:1$/,
  },
  {
    name: "asks it in every mode, since the operator named it",
    facts: facts({ external: [up], rules: { mode: "distribution" } }),
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:1$/,
  },
  {
    name: "asks it in mode single too",
    facts: facts({ external: [up], rules: { mode: "single" } }),
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:1$/,
  },
  {
    name: "asks it in mode sharding, whatever the nodes hold",
    facts: facts({ external: [up], rules: { mode: "sharding" }, holders: [node("gpu1")] }),
    to: "external",
    because: /x:1; gpu1 is not used: task distribution is switched off$/,
  },
  {
    name: "prefers a node with a free slot to it",
    facts: facts({ external: [up], holders: [node("gpu1")] }),
    to: "node",
    node: "gpu1",
    because: /^"big" \(20\.0 GiB\) fits gpu1/,
  },
  {
    name: "asks it instead of waiting for a slot",
    facts: facts({ external: [up], holders: [node("gpu1", { inFlightCount: 4 })] }),
    to: "external",
    because: /x:1; gpu1 has all its 4 slots in use$/,
  },
  {
    name: "counts those that are up and serve it",
    facts: facts({ external: [up, at(2, up), at(3, down), at(4, other)] }),
    to: "external",
    because: /^"big" is served by 2 coordinators that others run$/,
  },
  {
    name: "passes over the one that is down",
    facts: facts({ external: [down, at(2, up)] }),
    to: "external",
    because: /^"big" is served by the coordinator at http:\/\/x:2$/,
  },
  {
    name: "does not ask an external coordinator for a model that it does not serve",
    facts: facts({ external: [other] }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends; the coordinator at http:\/\/x:1 does not serve "big"$/,
  },
  {
    name: "counts those that do not serve it",
    facts: facts({ external: [other, at(2, other)] }),
    to: "coordinator",
    because: /; 2 coordinators that others run do not serve "big"$/,
  },
  {
    name: "falls back to its own backends when the external coordinator is down",
    facts: facts({ external: [down] }),
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 is down: connection refused$/,
  },
  {
    name: "does not wait for one that loads",
    facts: facts({ external: [loading] }),
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 is loading its model$/,
  },
  {
    name: "does not ask one that was not checked yet",
    facts: facts({ external: [{ ...up, health: "unknown" }] }),
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 has not answered yet$/,
  },
  {
    name: "does not choose again what the request could not reach",
    facts: facts({ external: [up] }),
    tried: ["http://x:1"],
    to: "coordinator",
    because: /; the coordinator at http:\/\/x:1 could not be reached a moment ago$/,
  },
  {
    name: "takes the next one then",
    facts: facts({ external: [up, at(2, up)] }),
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
    name: "says what is missing when there is neither a node nor a backend",
    facts: bare,
    to: "nowhere",
    code: "no_capacity",
    because:
      /^Cannot serve "big": no Ollama node is known; no rpc backend is known; start ggml-rpc-server .*sollol register HOST:PORT, or name an Ollama node in ollama_nodes$/,
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
    facts: { ...bare, external: [down, at(2, loading)] },
    to: "nowhere",
    code: "loading",
    because: /x:1 is down: connection refused; the coordinator at http:\/\/x:2 is loading its model/,
  },
  {
    name: "respects the switch",
    facts: facts({ rules: { mode: "distribution" } }),
    to: "nowhere",
    code: "no_capacity",
    because: /set model_sharding_enabled: true, or name an Ollama node/,
  },
];

testDecisions([...EXTERNALS]);

Deno.test("decideRoute() names the one coordinator of others that was asked for, and else leaves the choice", () => {
  const both = facts({ external: [up, at(2, up)] });
  const wished = decideRoute({ ...demand, wish: "http://x:2" }, both);
  const free = decideRoute(demand, both);
  deepEqual([wished, free].map((decision) => decision.to === "external" && decision.url), [
    "http://x:2",
    undefined,
  ]);
});
