import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import type { ExternalFacts } from "../../../lib/coordinator/external.ts";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import type { Demand, Facts } from "../../../lib/router/decision.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes, needOf } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS, routeFacts, type RouteFactWishes } from "../../fixtures/route_facts.ts";

const demand: Demand = { model: "big", key: "big" };
const wake = { mac: "aa:bb:cc:dd:ee:ff", broadcast: "192.0.2.255", port: 9 };

const up: ExternalFacts = {
  url: "http://x:1",
  health: "up",
  reason: "it serves big",
  modelKeys: new Set(["big"]),
  mayServeMore: false,
};
const down: ExternalFacts = { ...up, health: "down", reason: "connection refused" };
const loading: ExternalFacts = { ...up, health: "loading" };
const other: ExternalFacts = { ...up, modelKeys: new Set(["small"]) };
const untold: ExternalFacts = { ...down, modelKeys: new Set(), mayServeMore: true };

function at(port: number, facts: ExternalFacts): ExternalFacts {
  return { ...facts, url: `http://x:${port}` };
}

/** A node that holds the model, which takes 20 GiB. */
function node(name: string, wishes: KnownNodeWishes = {}) {
  return knownNode(name, { held: { big: 18 * GIB }, ...wishes });
}

/** The model takes 20 GiB. */
function facts(wishes: RouteFactWishes = {}): Facts {
  return routeFacts({ need: needOf(20 * GIB), ...wishes });
}

const bare = facts({ sharding: NO_BACKENDS });
const profile = { requiresDistributed: false, route: undefined };
const requiring = { ...profile, requiresDistributed: true };

interface Row {
  readonly name: string;
  readonly facts: Facts;
  readonly demand?: Partial<Demand>;
  readonly tried?: readonly string[];
  readonly to: string;
  readonly node?: string;
  readonly code?: string;
  readonly because: RegExp;
}

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

const FALLBACKS: readonly Row[] = [
  {
    name: "goes to a coordinator of ours that is ready instead of waiting, and says so",
    facts: facts({ holders: [node("gpu1", { inFlightCount: 4 })], sharding: { coordinator: "ready" } }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends: gpu1 has all its 4 slots in use$/,
  },
  {
    name: "waits rather than for one that is only started",
    facts: facts({ holders: [node("gpu1", { inFlightCount: 4 })], sharding: { coordinator: "starting" } }),
    to: "line",
    because: /^"big" waits for a slot: gpu1 has all its 4 slots in use$/,
  },
  {
    name: "waits for any of those that have no slot, but for none that could not serve it",
    facts: facts({
      holders: [
        node("gpu1", { inFlightCount: 4 }),
        node("gpu2", { inFlightCount: 9 }),
        node("gpu3", { memoryBytes: GIB, inFlightCount: 4 }),
      ],
    }),
    to: "line",
    because: /^"big" waits for a slot: gpu1 has all its 4 slots in use; gpu2 has all its 4 slots in use$/,
  },
  {
    name: "prefers a node to a ready coordinator while the node has a slot",
    facts: facts({ holders: [node("gpu1", { inFlightCount: 3 })], sharding: { coordinator: "ready" } }),
    to: "node",
    node: "gpu1",
    because: /3 of 4 slots in use$/,
  },
  {
    name: "uses a ready coordinator though its backends are forgotten",
    facts: facts({ sharding: { ...NO_BACKENDS, coordinator: "ready" } }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "has a coordinator serve what the only node fails",
    facts: facts({ holders: [node("gpu1")] }),
    tried: ["gpu1"],
    to: "coordinator",
    because: /^"big" is sharded over rpc backends: gpu1 failed this request a moment ago$/,
  },
  {
    name: "has another node serve what one fails",
    facts: facts({ holders: [node("gpu1"), node("gpu2")] }),
    tried: ["gpu1"],
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "has a coordinator serve what no node is trusted with",
    facts: facts({ holders: [node("gpu1", { breaker: "open" })] }),
    to: "coordinator",
    because: /: gpu1 is left alone: 5 of its last 5 requests failed$/,
  },
  {
    name: "waits for a node that asked for a pause: that is no fault",
    facts: facts({ holders: [node("gpu1", { isSound: false, unsoundness: "paused for 12 s" })] }),
    to: "line",
    because: /^"big" waits for a slot: gpu1 is left alone: paused for 12 s$/,
  },
  {
    name: "waits for a node that is on trial with another request",
    facts: facts({
      holders: [node("gpu1", { breaker: "half-open", isSound: false, unsoundness: "on trial" })],
    }),
    to: "line",
    because: /gpu1 is left alone: on trial$/,
  },
  {
    name: "asks another meanwhile, however busy",
    facts: facts({
      holders: [
        node("gpu1", { isSound: false, unsoundness: "paused for 12 s", loaded: { big: GIB } }),
        node("gpu2", { inFlightCount: 3 }),
      ],
    }),
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "refuses in mode distribution while no node is trusted",
    facts: facts({ rules: { mode: "distribution" }, holders: [node("gpu1", { breaker: "open" })] }),
    to: "nowhere",
    code: "no_capacity",
    because: /gpu1 is left alone: 5 of its last 5 requests failed; .*ask again in a moment/,
  },
  {
    name: "has a node serve what was to be sharded when the coordinator failed this request",
    facts: facts({ rules: { profile: requiring }, holders: [node("gpu1")] }),
    tried: ["sharded"],
    to: "node",
    node: "gpu1",
    because:
      /; its profile says requires_distributed, but cannot be sharded: our coordinator of it failed this request a moment ago$/,
  },
  {
    name: "has a node serve what was to be sharded when the coordinator failed before",
    facts: facts({
      rules: { profile: requiring },
      sharding: { coordinator: "failed" },
      holders: [node("a")],
    }),
    to: "node",
    node: "a",
    because: /cannot be sharded: our coordinator of it failed a short time ago$/,
  },
  {
    name: "has a coordinator that failed tried again if nothing else is there",
    facts: facts({ sharding: { coordinator: "failed" } }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends: our coordinator of it failed a short time ago$/,
  },
  {
    name: "looks for the file if nobody knows whether it is stored and no node can serve it",
    facts: facts({ sharding: { isStored: undefined }, holders: [node("gpu1", { memoryBytes: GIB })] }),
    to: "coordinator",
    because: /gpu1 has 1\.0 GiB; whether it is stored on this host is not known$/,
  },
  {
    name: "refuses when node and coordinator have both failed the request",
    facts: facts({ holders: [node("gpu1")] }),
    tried: ["gpu1", "sharded"],
    to: "nowhere",
    code: "backend_unreachable",
    because:
      /gpu1 failed this request a moment ago; our coordinator of it failed this request a moment ago; ask again in a moment$/,
  },
  {
    name: "refuses when our coordinator failed it and there is nothing else",
    facts: facts({ nodeCount: 1 }),
    tried: ["sharded"],
    to: "nowhere",
    code: "upstream_failed",
    because: /our coordinator of it failed this request a moment ago; ask again in a moment$/,
  },
  {
    name: "waits for a node of which nobody knows whether it answers before it starts a load",
    facts: facts({ holders: [node("gpu1", { health: "unknown" })] }),
    to: "line",
    because: /^"big" waits for a slot: gpu1 has not answered yet$/,
  },
  {
    name: "takes the one that is up before it",
    facts: facts({
      holders: [
        node("gpu1", { health: "unknown", loaded: { big: GIB } }),
        node("gpu2", { inFlightCount: 3 }),
      ],
    }),
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "waits for the one that is up rather than to try it",
    facts: facts({ holders: [node("gpu1", { health: "unknown" }), node("gpu2", { inFlightCount: 4 })] }),
    to: "line",
    because: /^"big" waits for a slot: gpu2 has all its 4 slots in use$/,
  },
  {
    name: "does not shard what is not stored here",
    facts: facts({ sharding: { isStored: false }, holders: [node("gpu1", { memoryBytes: 16 * GIB })] }),
    to: "nowhere",
    code: "insufficient_memory",
    because:
      /it needs 20\.0 GiB by its file; gpu1 has 16\.0 GiB; it is not stored on this host; pull it on this host/,
  },
  {
    name: "calls a model unknown that is neither held nor stored",
    facts: facts({ sharding: { isStored: false }, nodeCount: 3 }),
    to: "nowhere",
    code: "model_not_found",
    because: /^Cannot serve "big": none of 3 nodes holds it; it is not stored on this host; pull it/,
  },
  {
    name: "does not ask a node that refused it for memory, though it should fit",
    facts: facts({ holders: [node("gpu1", { refused: ["big"] })], sharding: NO_BACKENDS }),
    to: "nowhere",
    code: "insufficient_memory",
    because: /gpu1 refused it for want of memory; no rpc backend is known/,
  },
  {
    name: "asks it while it has it loaded all the same",
    facts: facts({ holders: [node("gpu1", { refused: ["big"], loaded: { big: 20 * GIB } })] }),
    to: "node",
    node: "gpu1",
    because: /is loaded on gpu1/,
  },
  {
    name: "says that the memory of a node is not known",
    facts: facts({ holders: [node("gpu1", { memoryBytes: undefined })] }),
    to: "node",
    because: /^"big" \(20\.0 GiB\) is held by gpu1, whose memory is not known, 0 of 4 slots in use$/,
  },
  {
    name: "says that what a model needs is not known",
    facts: facts({ holders: [node("gpu1")], need: undefined }),
    to: "node",
    because: /^"big" is held by gpu1, what it needs is not known, 0 of 4 slots in use$/,
  },
  {
    name: "says that a need was guessed",
    facts: facts({ holders: [node("gpu1")], need: needOf(20 * GIB, { source: "name" }) }),
    to: "node",
    because: /^"big" \(20\.0 GiB, as guessed from its name\) fits gpu1/,
  },
  {
    name: "does not refuse to shard on a guess",
    facts: facts({ need: needOf(900 * GIB, { source: "name" }) }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "shards what may fit with less context: a load settles that",
    facts: facts({ need: needOf(50 * GIB, { weightBytes: 39 * GIB }) }),
    to: "coordinator",
    because: /^"big" is sharded over rpc backends$/,
  },
  {
    name: "tells all numbers of what fits nowhere, but not of all of many nodes",
    facts: facts({
      holders: Array.from({ length: 8 }, (_, at) => node(`gpu${at}`, { memoryBytes: (at + 1) * GIB })),
      sharding: { backendCount: 3, freeCount: 1, leasedCount: 1, usableBytes: 9 * GIB },
    }),
    to: "nowhere",
    code: "insufficient_memory",
    because:
      /^Cannot serve "big": it needs 20\.0 GiB by its file; gpu0 has 1\.0 GiB; .*gpu4 has 5\.0 GiB; 3 more cannot take it now either; its weights are 18\.0 GiB, and 2 of 3 rpc backends, which are up, have 9\.0 GiB; add an rpc backend/,
  },
  {
    name: "does not use a node that may not serve the model",
    facts: facts({ holders: [node("gpu1", { allowed: ["small"] })] }),
    to: "coordinator",
    because: /: gpu1 may not serve it by ollama_nodes$/,
  },
  {
    name: "says where a node would be allowed it",
    facts: facts({ holders: [node("gpu1", { allowed: [] })], rules: { mode: "distribution" } }),
    to: "nowhere",
    code: "forbidden",
    because: /or allow it in ollama_nodes$/,
  },
  {
    name: "uses no other host's node in mode single",
    facts: facts({ holders: [node("gpu1"), node("here", { isLocal: true })], rules: { mode: "single" } }),
    to: "node",
    node: "here",
    because: /fits here/,
  },
  {
    name: "runs one llama-server in mode single if only other hosts hold it",
    facts: facts({ holders: [node("gpu1")], rules: { mode: "single" }, sharding: NO_BACKENDS }),
    to: "coordinator",
    because:
      /^"big" is run by one llama-server on this host: gpu1 is not on this host, and task distribution is switched off$/,
  },
  {
    name: "refuses in mode single what only other hosts have",
    facts: facts({ holders: [node("gpu1")], rules: { mode: "single" }, sharding: { isStored: false } }),
    to: "nowhere",
    code: "no_capacity",
    because: /it is not stored on this host; pull it .*, or set task_distribution_enabled: true$/,
  },
];

const THRESHOLDS: readonly Row[] = [
  {
    name: "shards what needs more than shard_above",
    facts: facts({ holders: [node("gpu1")], rules: { shardAboveBytes: 16 * GIB } }),
    to: "coordinator",
    because:
      /^"big" is sharded over rpc backends: it needs 20\.0 GiB by its file, more than shard_above \(16\.0 GiB\)$/,
  },
  {
    name: "does not shard what needs just as much",
    facts: facts({ holders: [node("gpu1")], rules: { shardAboveBytes: 20 * GIB } }),
    to: "node",
    because: /fits gpu1/,
  },
  {
    name: "shards what has more parameters than distributed_threshold_params",
    facts: facts({
      holders: [node("gpu1")],
      rules: { distributedThresholdParams: 30 },
      need: needOf(20 * GIB, { parameterCount: 32.8e9 }),
    }),
    to: "coordinator",
    because: /: it has 32\.8 billion parameters, more than distributed_threshold_params \(30\)$/,
  },
  {
    name: "does not shard what has 30 billion of 30",
    facts: facts({
      holders: [node("gpu1")],
      rules: { distributedThresholdParams: 30 },
      need: needOf(20 * GIB, { parameterCount: 30e9 }),
    }),
    to: "node",
    because: /fits gpu1/,
  },
  {
    name: "does not guess how many parameters there are",
    facts: facts({ holders: [node("gpu1")], rules: { distributedThresholdParams: 1 } }),
    to: "node",
    because: /fits gpu1/,
  },
  {
    name: "shards what its profile says, though a node has it loaded",
    facts: facts({ holders: [node("gpu1", { loaded: { big: GIB } })], rules: { profile: requiring } }),
    to: "coordinator",
    because: /: its profile says requires_distributed$/,
  },
  {
    name: "has others' coordinators shard it first",
    facts: facts({ holders: [node("gpu1")], rules: { profile: requiring }, external: [up] }),
    to: "external",
    because: /x:1; its profile says requires_distributed$/,
  },
  {
    name: "lets a node serve it if there is no backend, and says so",
    facts: facts({
      holders: [node("gpu1")],
      rules: { shardAboveBytes: 16 * GIB },
      sharding: NO_BACKENDS,
    }),
    to: "node",
    node: "gpu1",
    because:
      /fits gpu1 .*; it needs 20\.0 GiB by its file, more than shard_above \(16\.0 GiB\), but cannot be sharded: no rpc backend is known$/,
  },
  {
    name: "lets a node serve it if it is not stored here, and says so",
    facts: facts({
      holders: [node("gpu1")],
      rules: { profile: requiring },
      sharding: { isStored: false },
    }),
    to: "node",
    because: /cannot be sharded: it is not stored on this host$/,
  },
  {
    name: "lets a node serve it while nobody knows whether it is stored here",
    facts: facts({
      holders: [node("gpu1")],
      rules: { profile: requiring },
      sharding: { isStored: undefined },
    }),
    to: "node",
    because: /cannot be sharded: whether it is stored on this host is not known$/,
  },
  {
    name: "lets a node serve it while no backend is up",
    facts: facts({
      holders: [node("gpu1")],
      rules: { profile: requiring },
      sharding: { freeCount: 0, usableBytes: 0 },
    }),
    to: "node",
    because: /cannot be sharded: none of 2 rpc backends is up and free$/,
  },
  {
    name: "has it wait for a node rather than fail",
    facts: facts({
      holders: [node("gpu1", { inFlightCount: 4 })],
      rules: { profile: requiring },
      sharding: NO_BACKENDS,
    }),
    to: "line",
    because: /slots in use; its profile says requires_distributed, but cannot be sharded/,
  },
  {
    name: "knows no thresholds where all goes to nodes",
    facts: facts({
      holders: [node("gpu1")],
      rules: { mode: "distribution", profile: requiring, shardAboveBytes: 1 },
    }),
    to: "node",
    because: /slots in use$/,
  },
];

const WISHES: readonly Row[] = [
  {
    name: "has a node serve what was to be sharded, if the request wishes it",
    facts: facts({ holders: [node("gpu1")], rules: { profile: requiring } }),
    demand: { wish: "node" },
    to: "node",
    because: /^"big" \(20\.0 GiB\) fits gpu1 .*; x-sollol-route asks for "node"$/,
  },
  {
    name: "shards what fits a node, if the request wishes it",
    facts: facts({ holders: [node("gpu1")] }),
    demand: { wish: "sharded" },
    to: "coordinator",
    because: /^"big" is sharded over rpc backends: x-sollol-route asks for "sharded"$/,
  },
  {
    name: "has others' coordinators shard it, if they serve it",
    facts: facts({ holders: [node("gpu1")], external: [up] }),
    demand: { wish: "sharded" },
    to: "external",
    because: /x:1; x-sollol-route asks for "sharded"$/,
  },
  {
    name: "takes the node of that name, though another is better",
    facts: facts({ holders: [node("gpu1", { loaded: { big: GIB } }), node("gpu2")] }),
    demand: { wish: "gpu2" },
    to: "node",
    node: "gpu2",
    because: /x-sollol-route asks for "gpu2"$/,
  },
  {
    name: "takes the node at that URL",
    facts: facts({ holders: [node("gpu1"), node("gpu2")] }),
    demand: { wish: "http://gpu2:11434" },
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "takes the best of the nodes with that tag",
    facts: facts({
      holders: [
        node("gpu1"),
        node("gpu2", { tags: ["fast"], inFlightCount: 2 }),
        node("gpu3", { tags: ["x", "fast"] }),
      ],
    }),
    demand: { wish: "fast" },
    to: "node",
    node: "gpu3",
    because: /fits gpu3/,
  },
  {
    name: "takes a name for a name, though it is another's tag",
    facts: facts({ holders: [node("gpu1", { tags: ["gpu2"] }), node("gpu2", { inFlightCount: 3 })] }),
    demand: { wish: "gpu2" },
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "takes that one of others' coordinators",
    facts: facts({ holders: [node("gpu1")], external: [up, at(2, up)] }),
    demand: { wish: "http://x:2" },
    to: "external",
    because: /x:2; x-sollol-route asks for "http:\/\/x:2"$/,
  },
  {
    name: "has it wait for that node, though others are free",
    facts: facts({
      holders: [node("gpu1", { inFlightCount: 4 }), node("gpu2")],
      sharding: { coordinator: "ready" },
    }),
    demand: { wish: "gpu1" },
    to: "line",
    because: /gpu1 has all its 4 slots in use; x-sollol-route asks for "gpu1"$/,
  },
  {
    name: "refuses if that node is down, and says what it is",
    facts: facts({ holders: [node("gpu1", { health: "down" }), node("gpu2")] }),
    demand: { wish: "gpu1" },
    to: "nowhere",
    code: "backend_unreachable",
    because:
      /^Cannot serve "big": x-sollol-route asks for "gpu1"; gpu1 is down: connection refused; see that Ollama runs there, or leave x-sollol-route out$/,
  },
  {
    name: "refuses if it does not fit that node",
    facts: facts({ holders: [node("gpu1", { memoryBytes: 16 * GIB }), node("gpu2")] }),
    demand: { wish: "gpu1" },
    to: "nowhere",
    code: "insufficient_memory",
    because: /asks for "gpu1"; it needs 20\.0 GiB by its file; gpu1 has 16\.0 GiB; leave x-sollol-route out$/,
  },
  {
    name: "refuses if that node failed the request",
    facts: facts({ holders: [node("gpu1"), node("gpu2")] }),
    demand: { wish: "gpu1" },
    tried: ["gpu1"],
    to: "nowhere",
    code: "backend_unreachable",
    because: /gpu1 failed this request a moment ago/,
  },
  {
    name: "refuses a name that nobody has who holds the model",
    facts: facts({ holders: [node("gpu1"), node("gpu2")], external: [up] }),
    demand: { wish: "gpu9" },
    to: "nowhere",
    code: "invalid_request",
    because:
      /^Cannot serve "big": x-sollol-route asks for "gpu9", and no node or coordinator of that name, URL or tag has it; there are gpu1, gpu2, http:\/\/x:1; leave x-sollol-route out$/,
  },
  {
    name: "cuts a wish that has no end",
    facts: facts({ holders: [node("gpu1")] }),
    demand: { wish: "x".repeat(100_000) },
    to: "nowhere",
    code: "invalid_request",
    because: /^.{1,300}$/,
  },
  {
    name: "takes an empty wish for one that cannot be met",
    facts: facts({ holders: [node("gpu1")] }),
    demand: { wish: "" },
    to: "nowhere",
    code: "invalid_request",
    because: /asks for ""/,
  },
  {
    name: "refuses to shard where that is switched off",
    facts: facts({ holders: [node("gpu1")], rules: { mode: "distribution" } }),
    demand: { wish: "sharded" },
    to: "nowhere",
    code: "invalid_request",
    because:
      /asks for "sharded"; model sharding is switched off; set model_sharding_enabled: true, or leave x-sollol-route out$/,
  },
  {
    name: "does not call one llama-server sharding",
    facts: facts({ rules: { mode: "single" } }),
    demand: { wish: "sharded" },
    to: "nowhere",
    code: "invalid_request",
    because: /model sharding is switched off/,
  },
  {
    name: "refuses a node where all is sharded",
    facts: facts({ holders: [node("gpu1")], rules: { mode: "sharding" } }),
    demand: { wish: "gpu1" },
    to: "nowhere",
    code: "no_capacity",
    because: /gpu1 is not used: task distribution is switched off; set task_distribution_enabled: true, or/,
  },
  {
    name: "refuses any node where none holds it",
    facts: facts({ nodeCount: 2 }),
    demand: { wish: "node" },
    to: "nowhere",
    code: "invalid_request",
    because: /asks for "node"; none of 2 nodes holds it; leave x-sollol-route out$/,
  },
  {
    name: "refuses to shard without backends",
    facts: facts({ holders: [node("gpu1")], sharding: NO_BACKENDS }),
    demand: { wish: "sharded" },
    to: "nowhere",
    code: "no_capacity",
    because: /no rpc backend is known; start ggml-rpc-server/,
  },
  {
    name: "goes where the profile says",
    facts: facts({
      holders: [node("gpu1", { loaded: { big: GIB } }), node("gpu2")],
      rules: { profile: { ...profile, route: "gpu2" } },
    }),
    to: "node",
    node: "gpu2",
    because: /; its profile asks for "gpu2"$/,
  },
  {
    name: "puts the wish before the profile",
    facts: facts({
      holders: [node("gpu1"), node("gpu2")],
      rules: { profile: { ...profile, route: "gpu2" } },
    }),
    demand: { wish: "gpu1" },
    to: "node",
    node: "gpu1",
    because: /; x-sollol-route asks for "gpu1"$/,
  },
  {
    name: "does not blame the client for a profile that cannot be met",
    facts: facts({ holders: [node("gpu1")], rules: { profile: { ...profile, route: "gpu9" } } }),
    to: "nowhere",
    code: "model_unusable",
    because: /its profile asks for "gpu9", .*; there are gpu1; change its profile$/,
  },
];

const MISTAKES: readonly Row[] = [
  {
    name: "calls it a mistake to shard what is not stored here",
    facts: facts({ holders: [node("gpu1")], sharding: { isStored: false } }),
    demand: { wish: "sharded" },
    to: "nowhere",
    code: "invalid_request",
    because:
      /asks for "sharded"; it is not stored on this host; pull it on this host .*leave x-sollol-route out$/,
  },
  {
    name: "calls the same of a profile the model's trouble",
    facts: facts({
      holders: [node("gpu1")],
      sharding: { isStored: false },
      rules: { profile: { ...profile, route: "sharded" } },
    }),
    to: "nowhere",
    code: "model_unusable",
    because: /its profile asks for "sharded"; .*or change its profile$/,
  },
  {
    name: "has the client come back where what is to be sharded lacks a backend",
    facts: facts({ holders: [node("gpu1")], sharding: NO_BACKENDS }),
    demand: { wish: "sharded" },
    to: "nowhere",
    code: "no_capacity",
    because: /no rpc backend is known/,
  },
  {
    name: "calls a model unknown that nobody has, wherever it is to go",
    facts: facts({ sharding: { isStored: false }, nodeCount: 2 }),
    demand: { wish: "nobody" },
    to: "nowhere",
    code: "model_not_found",
    because: /asks for "nobody"/,
  },
  {
    name: "tells where a model that no node holds is to be pulled",
    facts: facts({ sharding: { isStored: false }, nodeCount: 2 }),
    to: "nowhere",
    code: "model_not_found",
    because: /none of 2 nodes holds it; it is not stored on this host; pull it on a node with ollama pull$/,
  },
  {
    name: "tells all that is missing where there is nothing",
    facts: facts({ sharding: { ...NO_BACKENDS, isStored: false } }),
    to: "nowhere",
    code: "model_not_found",
    because:
      /: no Ollama node is known; it is not stored on this host, and no rpc backend is known; .*register an rpc backend.*, or name an Ollama node in ollama_nodes$/,
  },
];

const unasked = { wasAsked: false, health: "down", unsoundness: "down: connection refused" } as const;
const NOT_STORED: RouteFactWishes = { sharding: { ...NO_BACKENDS, isStored: false } };

const UNASKED: readonly Row[] = [
  {
    name: "says that nobody knows what a node holds",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", unasked)] }),
    to: "nowhere",
    code: "model_not_found",
    because:
      /^Cannot serve "big": gpu1 was never asked what it holds: down: connection refused; it is not stored on this host, and no rpc backend is known; [^;]+$/,
  },
  {
    name: "says what is known of the others",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", unasked)], nodeCount: 3 }),
    to: "nowhere",
    code: "model_not_found",
    because: /: gpu1 was never asked .* refused; none of 2 others holds it; it is not stored/,
  },
  {
    name: "says how a node is woken of which nobody knows what it holds, and wakes it not for any name",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", { ...unasked, wake })], nodeCount: 2 }),
    to: "nowhere",
    code: "model_not_found",
    because: /; the other node does not hold it; .*, or send x-sollol-route: gpu1 to have gpu1 woken for it$/,
  },
  {
    name: "wakes it for a request that names it",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", { ...unasked, wake })] }),
    demand: { wish: "gpu1" },
    to: "wake",
    node: "gpu1",
    because:
      /^"big" may be held by gpu1, which is woken: gpu1 was never asked what it holds: down: connection refused; x-sollol-route asks/,
  },
  {
    name: "cannot wake it where nobody has said how",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", unasked)] }),
    demand: { wish: "http://gpu1:11434" },
    to: "nowhere",
    code: "backend_unreachable",
    because: /asks for "http:\/\/gpu1:11434"; gpu1 is down: connection refused; see that Ollama runs there/,
  },
  {
    name: "waits for a named node that is about to be asked",
    facts: facts({ ...NOT_STORED, unaskedNodes: [knownNode("gpu1", { ...unasked, health: "unknown" })] }),
    demand: { wish: "gpu1" },
    to: "line",
    because: /gpu1 has not answered yet/,
  },
  {
    name: "takes one that holds it before one of the same tag of which nobody knows",
    facts: facts({
      holders: [node("gpu1", { tags: ["fast"] })],
      unaskedNodes: [knownNode("gpu2", { ...unasked, wake, tags: ["fast"] })],
    }),
    demand: { wish: "fast" },
    to: "node",
    node: "gpu1",
    because: /fits gpu1/,
  },
  {
    name: "says nothing of nodes that are not used",
    facts: facts({
      ...NOT_STORED,
      rules: { mode: "single" },
      unaskedNodes: [knownNode("gpu1", unasked), knownNode("gpu2", { ...unasked, isLocal: true })],
    }),
    to: "nowhere",
    code: "model_not_found",
    because:
      /^Cannot serve "big": gpu2 was never asked what it holds: down: connection refused; [^;]*; [^;]*$/,
  },
  {
    name: "does not care while the model is held",
    facts: facts({ holders: [node("gpu2")], unaskedNodes: [knownNode("gpu1", { ...unasked, wake })] }),
    to: "node",
    node: "gpu2",
    because: /^"big" \(20\.0 GiB\) fits gpu2 \(24\.0 GiB\), 0 of 4 slots in use$/,
  },
];

const SLEEPERS: readonly Row[] = [
  {
    name: "wakes the node that alone can serve it",
    facts: facts({ holders: [node("gpu1", { health: "down", wake })], sharding: NO_BACKENDS }),
    to: "wake",
    node: "gpu1",
    because: /^"big" is held by gpu1, which is woken: it is down: connection refused$/,
  },
  {
    name: "wakes nobody while another can serve it",
    facts: facts({ holders: [node("gpu1", { health: "down", wake }), node("gpu2")] }),
    to: "node",
    node: "gpu2",
    because: /fits gpu2/,
  },
  {
    name: "wakes nobody while another will have a slot",
    facts: facts({ holders: [node("gpu1", { health: "down", wake }), node("gpu2", { inFlightCount: 4 })] }),
    to: "line",
    because: /slot: gpu2 has all/,
  },
  {
    name: "wakes nobody while it can be sharded",
    facts: facts({ holders: [node("gpu1", { health: "down", wake })] }),
    to: "coordinator",
    because: /: gpu1 is down: connection refused$/,
  },
  {
    name: "wakes a node rather than to load over backends of which none is up",
    facts: facts({
      holders: [node("gpu1", { health: "down", wake })],
      sharding: { freeCount: 0, usableBytes: 0 },
    }),
    to: "wake",
    node: "gpu1",
    because: /is woken/,
  },
  {
    name: "wakes no node that is too small, not allowed, or failed the request after it was woken",
    facts: facts({
      holders: [
        node("gpu1", { health: "down", wake, memoryBytes: GIB }),
        node("gpu2", { health: "down", wake, allowed: [] }),
        node("gpu3", { health: "down", wake }),
        node("gpu4", { health: "down" }),
      ],
      sharding: NO_BACKENDS,
    }),
    tried: ["gpu3"],
    to: "nowhere",
    code: "backend_unreachable",
    because: /gpu1 has 1\.0 GiB; gpu2 may not serve it.*; gpu3 failed .*; gpu4 is down/,
  },
  {
    name: "wakes the fastest of two",
    facts: facts({
      holders: [
        node("gpu1", { health: "down", wake, speeds: { big: 5 } }),
        node("gpu2", { health: "down", wake, speeds: { big: 50 } }),
      ],
      sharding: NO_BACKENDS,
    }),
    to: "wake",
    node: "gpu2",
    because: /gpu2/,
  },
  {
    name: "wakes the one that the request asks for",
    facts: facts({ holders: [node("gpu1", { health: "down", wake }), node("gpu2")] }),
    demand: { wish: "gpu1" },
    to: "wake",
    node: "gpu1",
    because: /; x-sollol-route asks for "gpu1"$/,
  },
];

for (
  const row of [...EXTERNALS, ...FALLBACKS, ...THRESHOLDS, ...WISHES, ...MISTAKES, ...UNASKED, ...SLEEPERS]
) {
  Deno.test(`decideRoute() ${row.name}`, () => {
    const decision = decideRoute({ ...demand, ...row.demand, tried: new Set(row.tried) }, row.facts);
    equal(decision.to, row.to, decision.because);
    if (row.node !== undefined) equal("node" in decision && decision.node.name, row.node, decision.because);
    equal("code" in decision ? decision.code : undefined, row.code);
    match(decision.because, row.because);
    doesNotMatch(decision.because, /; ;|;;|: ;|undefined|NaN/);
  });
}

Deno.test("decideRoute() names the one coordinator of others that was asked for, and else leaves the choice", () => {
  const both = facts({ external: [up, at(2, up)] });
  const wished = decideRoute({ ...demand, wish: "http://x:2" }, both);
  const free = decideRoute(demand, both);
  deepEqual([wished, free].map((decision) => decision.to === "external" && decision.url), [
    "http://x:2",
    undefined,
  ]);
});

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
