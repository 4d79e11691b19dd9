import { deepEqual, equal } from "node:assert/strict";
import type { ErrorCode } from "../../../lib/errors.ts";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import type { Decision, Mode, ShardingFacts } from "../../../lib/router/decision.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes, needOf } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS, routeFacts } from "../../fixtures/route_facts.ts";

// The model "m" takes 20 GiB, 18 of them weights. What is wanted of each row is written down here, and nothing of it
// is asked of the code.

/** How the only node stands, which is on this host. */
const NODES: Record<string, KnownNodeWishes> = {
  "fits": { inFlightCount: 1 },
  "does not fit": { memoryBytes: 16 * GIB },
  "resident": { loaded: { m: 19 * GIB }, inFlightCount: 1 },
  "full": { inFlightCount: 4 },
  "down": { health: "down" },
};

/** How the two rpc backends stand. */
const BACKENDS: Record<string, Partial<ShardingFacts>> = {
  "fit": {},
  "leased": { freeCount: 0, leasedCount: 2 },
  "too small": { usableBytes: 12 * GIB },
  "down": { freeCount: 0, usableBytes: 0 },
  "none": NO_BACKENDS,
};

type Target = Decision["to"] | ErrorCode;

/** What is wanted with each kind of backends, in the order of {@linkcode BACKENDS}. */
const WANTED: Record<Mode, Record<string, readonly Target[]>> = {
  single: {
    "fits": ["node", "node", "node", "node", "node"],
    "does not fit": ["coordinator", "coordinator", "coordinator", "coordinator", "coordinator"],
    "resident": ["node", "node", "node", "node", "node"],
    "full": ["line", "line", "line", "line", "line"],
    "down": ["coordinator", "coordinator", "coordinator", "coordinator", "coordinator"],
    "not held": ["coordinator", "coordinator", "coordinator", "coordinator", "coordinator"],
  },
  sharding: {
    "fits": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
    "does not fit": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
    "resident": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
    "full": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
    "down": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
    "not held": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
  },
  distribution: {
    "fits": ["node", "node", "node", "node", "node"],
    "does not fit": [
      "insufficient_memory",
      "insufficient_memory",
      "insufficient_memory",
      "insufficient_memory",
      "insufficient_memory",
    ],
    "resident": ["node", "node", "node", "node", "node"],
    "full": ["line", "line", "line", "line", "line"],
    "down": [
      "backend_unreachable",
      "backend_unreachable",
      "backend_unreachable",
      "backend_unreachable",
      "backend_unreachable",
    ],
    "not held": ["no_capacity", "no_capacity", "no_capacity", "no_capacity", "no_capacity"],
  },
  hybrid: {
    "fits": ["node", "node", "node", "node", "node"],
    "does not fit": [
      "coordinator",
      "coordinator",
      "insufficient_memory",
      "coordinator",
      "insufficient_memory",
    ],
    "resident": ["node", "node", "node", "node", "node"],
    "full": ["line", "line", "line", "line", "line"],
    "down": ["coordinator", "coordinator", "backend_unreachable", "coordinator", "backend_unreachable"],
    "not held": ["coordinator", "coordinator", "insufficient_memory", "coordinator", "no_capacity"],
  },
};

const AT_NODE: Record<string, string> = {
  "fits": '"m" (20.0 GiB) fits gpu1 (24.0 GiB), 1 of 4 slots in use',
  "resident": '"m" (20.0 GiB) is loaded on gpu1, 1 of 4 slots in use',
  "full": '"m" waits for a slot: gpu1 has all its 4 slots in use',
};
const NOT_AT_NODE: Record<string, string> = {
  "does not fit": "it needs 20.0 GiB by its file; gpu1 has 16.0 GiB",
  "down": "gpu1 is down: connection refused",
};
const AT_BACKENDS: Record<string, string> = {
  "leased": "; all of them are held by other coordinators of ours, which make room",
};
const NOT_AT_BACKENDS: Record<string, string> = {
  "too small": "its weights are 18.0 GiB, and 2 rpc backends have 12.0 GiB",
  "down": "none of 2 rpc backends is up and free",
  "none": "no rpc backend is known",
};
const CURES: Record<string, string> = {
  "too small": "add an rpc backend, or ask for a smaller model",
  "none": "start ggml-rpc-server on a machine and register it: sollol register HOST:PORT",
};
const UNUSED = "gpu1 is not used: task distribution is switched off";

/** What the client reads. */
function sentenceOf(mode: Mode, node: string, backends: string, target: Target): string {
  if (target === "node" || target === "line") return AT_NODE[node]!;
  const held = node !== "not held";
  const why: string[] = [];
  if (held) why.push(mode === "sharding" ? UNUSED : NOT_AT_NODE[node]!);
  if (target === "coordinator") {
    if (mode !== "single" && backends === "down") why.push(NOT_AT_BACKENDS.down!);
    const what = mode === "single"
      ? '"m" is run by one llama-server on this host'
      : '"m" is sharded over rpc backends';
    const swap = mode === "single" ? "" : AT_BACKENDS[backends] ?? "";
    return [what, ...(why.length > 0 ? [why.join("; ")] : [])].join(": ") + swap;
  }
  if (!held && mode !== "sharding") why.push("the one node does not hold it");
  why.push(mode === "distribution" ? "model sharding is switched off" : NOT_AT_BACKENDS[backends]!);
  const needs = "it needs 20.0 GiB by its file";
  if (mode !== "distribution" && backends === "too small" && !why[0]!.startsWith(needs)) why.unshift(needs);
  const cures = [mode === "distribution" ? "set model_sharding_enabled: true" : CURES[backends]!];
  if (held && mode === "sharding") cures.push("set task_distribution_enabled: true");
  if (node === "down" && mode !== "sharding") cures.push("see that Ollama runs there");
  return `Cannot serve "m": ${why.join("; ")}; ${cures.join(", or ")}`;
}

let rowCount = 0;
for (const [mode, byNode] of Object.entries(WANTED) as [Mode, Record<string, readonly Target[]>][]) {
  for (const [node, targets] of Object.entries(byNode)) {
    for (const [at, backends] of Object.keys(BACKENDS).entries()) {
      const target = targets[at]!;
      rowCount++;
      Deno.test(`mode ${mode}: a model on a node: ${node}; on rpc backends: ${backends}: ${target}`, () => {
        const wishes = NODES[node];
        const decision = decideRoute({ model: "m", key: "m" }, {
          ...routeFacts({
            rules: { mode },
            sharding: BACKENDS[backends]!,
            holders: wishes ? [knownNode("gpu1", { isLocal: true, held: { m: 18 * GIB }, ...wishes })] : [],
            need: needOf(20 * GIB),
          }),
          nodeCount: 1,
        });
        equal(decision.to === "nowhere" ? decision.code : decision.to, target, decision.because);
        equal(decision.because, sentenceOf(mode, node, backends, target));
        if (decision.to === "coordinator") equal(decision.spread, mode === "single" ? "local" : "rpc");
        if (decision.to === "node") equal(decision.node.name, "gpu1");
        if (decision.to === "line") deepEqual(decision.nodes.map(({ name }) => name), ["gpu1"]);
      });
    }
  }
}

Deno.test("the decision table has all its rows", () => equal(rowCount, 4 * 6 * 5));
