import { deepEqual, match } from "node:assert/strict";
import { explainRoute } from "../../../lib/router/explain_route.ts";
import { facts, node, type Row, testDecisions, up } from "../../fixtures/decision_rows.ts";
import { NO_BACKENDS, routeFacts } from "../../fixtures/route_facts.ts";

const ranks = { task: "rerank", only: "llama-server" } as const;
const utility = { task: "utility", only: "llama-server" } as const;
const notStored = { isStored: false } as const;

const ROWS: readonly Row[] = [
  {
    name: "shards what a node holds, if no node can do it",
    facts: facts({ holders: [node("gpu1")] }),
    demand: ranks,
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "asks others' coordinators first, as for any request",
    facts: facts({ holders: [node("gpu1")], external: [up] }),
    demand: utility,
    to: "external",
    because: /^"big" is served by the coordinator at /,
  },
  {
    name: "does not wake a node that could not do it",
    facts: facts({ holders: [node("gpu1", { health: "down", wake: { mac: "", broadcast: "", port: 9 } })] }),
    demand: utility,
    to: "coordinator",
    because: /^"big" is sharded/,
  },
  {
    name: "says that no node can do it, where only nodes hold the model",
    facts: facts({ holders: [node("gpu1")], sharding: notStored }),
    demand: ranks,
    to: "nowhere",
    code: "model_unusable",
    because:
      /an Ollama node cannot rank texts; it is not stored on this host; pull it on this host with ollama pull/,
  },
  {
    name: "says so, too, where sharding is switched off",
    facts: facts({ holders: [node("gpu1")], rules: { mode: "distribution" } }),
    demand: utility,
    to: "nowhere",
    code: "model_unusable",
    because: /only a llama-server can; model sharding is switched off; set model_sharding_enabled: true/,
  },
  {
    name: "does not speak of nodes where none has to do with it",
    facts: facts({ sharding: NO_BACKENDS }),
    demand: ranks,
    to: "nowhere",
    code: "no_capacity",
    because: /^Cannot serve "big": no rpc backend is known; /,
  },
  {
    name: "calls the wish for a node a mistake, if no node can do it",
    facts: facts({ holders: [node("gpu1")] }),
    demand: { ...utility, wish: "gpu1" },
    to: "nowhere",
    code: "invalid_request",
    because: /x-sollol-route asks for "gpu1"; an Ollama node cannot .*; leave x-sollol-route out$/,
  },
  {
    name: "calls the wish for any node a mistake as well",
    facts: facts({ holders: [node("gpu1")] }),
    demand: { ...ranks, wish: "node" },
    to: "nowhere",
    code: "invalid_request",
    because: /x-sollol-route asks for "node"; an Ollama node cannot rank texts; /,
  },
  {
    name: "knows nothing of a model that nobody has",
    facts: facts({ sharding: notStored }),
    demand: ranks,
    to: "nowhere",
    code: "model_not_found",
    because: /not stored on this host/,
  },
];

testDecisions(ROWS);

Deno.test("a route that no node can serve is explained with why not", () => {
  const { candidates } = explainRoute(
    { model: "big", key: "big", ...ranks },
    routeFacts({ holders: [node("gpu1")], unaskedNodes: [node("gpu2", { wasAsked: false, held: {} })] }),
  );
  deepEqual(candidates.map(({ name, isPossible, isChosen }) => [name, isPossible, isChosen]), [
    ["gpu1", false, false],
    ["gpu2", false, false],
    ["rpc backends", true, true],
  ]);
  for (const { kind, because } of candidates) {
    if (kind === "node") match(because, /; an Ollama node cannot rank texts$/);
  }
});
