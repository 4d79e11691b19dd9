import { GIB } from "../../../lib/units.ts";
import { facts, node, requiring, type Row, testDecisions } from "../../fixtures/decision_rows.ts";
import { needOf } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS } from "../../fixtures/route_facts.ts";

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

testDecisions([...FALLBACKS]);
