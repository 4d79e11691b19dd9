import { GIB } from "../../../lib/units.ts";
import { facts, node, requiring, type Row, testDecisions, up } from "../../fixtures/decision_rows.ts";
import { needOf } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS } from "../../fixtures/route_facts.ts";

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

testDecisions([...THRESHOLDS]);
