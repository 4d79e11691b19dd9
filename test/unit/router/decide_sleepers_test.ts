import { GIB } from "../../../lib/units.ts";
import { facts, node, type Row, testDecisions, wake } from "../../fixtures/decision_rows.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS, type RouteFactWishes } from "../../fixtures/route_facts.ts";

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

testDecisions([...UNASKED, ...SLEEPERS]);
