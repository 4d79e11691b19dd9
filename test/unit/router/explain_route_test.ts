import { deepEqual, equal } from "node:assert/strict";
import type { ExternalFacts } from "../../../lib/coordinator/external.ts";
import { explainRoute } from "../../../lib/router/explain_route.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes, needOf } from "../../fixtures/known_nodes.ts";
import { NO_BACKENDS, routeFacts, type RouteFactWishes } from "../../fixtures/route_facts.ts";

const demand = { model: "m", key: "m" };
const wake = { mac: "aa:bb:cc:dd:ee:ff", broadcast: "192.0.2.255", port: 9 };
const external: ExternalFacts = {
  url: "http://x:1",
  health: "up",
  reason: "it serves m",
  modelKeys: new Set(["m"]),
  mayServeMore: false,
};

const UNASKED = knownNode("b", { health: "down", unsoundness: "down: refused", wasAsked: false, wake });

function node(name: string, wishes: KnownNodeWishes = {}) {
  return knownNode(name, { held: { m: 18 * GIB }, ...wishes });
}

/** One line for each candidate: `*` is chosen, `+` possible, `-` neither. */
function explained(facts: RouteFactWishes, told: { wish?: string; tried?: ReadonlySet<string> } = {}) {
  const { candidates } = explainRoute(
    { ...demand, ...told },
    routeFacts({ need: needOf(20 * GIB), ...facts }),
  );
  return candidates.map(({ kind, name, isChosen, isPossible, because }) =>
    `${isChosen ? "*" : isPossible ? "+" : "-"} ${kind} ${name}: ${because}`
  );
}

Deno.test("a route is explained with all nodes that hold the model, others' coordinators, and our own", () => {
  deepEqual(
    explained({
      holders: [
        node("loaded", { loaded: { m: 19 * GIB }, speeds: { m: 41.23 } }),
        node("idle"),
        node("full", { inFlightCount: 4 }),
        node("paused", { isSound: false, unsoundness: "paused for 12 s at its own wish" }),
        node("small", { memoryBytes: 16 * GIB }),
        node("refused", { refused: ["m"] }),
        node("failing", { breaker: "open" }),
        node("asleep", { health: "down", wake }),
        node("gone", { health: "down" }),
        node("new", { health: "unknown" }),
        node("barred", { allowed: [] }),
        node("tried"),
      ],
      external: [external, { ...external, url: "http://x:2", modelKeys: new Set() }],
    }, { tried: new Set(["tried"]) }),
    [
      '* node loaded: "m" (20.0 GiB) is loaded on loaded, 0 of 4 slots in use; 41.2 tokens/s',
      '+ node idle: "m" (20.0 GiB) fits idle (24.0 GiB), 0 of 4 slots in use',
      "+ node full: full has all its 4 slots in use",
      "+ node paused: paused is left alone: paused for 12 s at its own wish",
      '- node small: small has 16.0 GiB; "m" needs 20.0 GiB by its file',
      "- node refused: refused refused it for want of memory",
      "- node failing: failing is left alone: 5 of its last 5 requests failed",
      "- node asleep: asleep is down: connection refused; it can be woken",
      "- node gone: gone is down: connection refused",
      "+ node new: new has not answered yet",
      "- node barred: barred may not serve it by ollama_nodes",
      "- node tried: tried failed this request a moment ago",
      '+ external http://x:1: the coordinator at http://x:1 serves "m"',
      '- external http://x:2: the coordinator at http://x:2 does not serve "m"',
      '+ sharded rpc backends: "m" needs 20.0 GiB by its file; 2 rpc backends are free and 0 would be after a swap, ' +
      "with 40.0 GiB in all",
    ],
  );
});

for (
  const { name, facts, wish, want } of [
    {
      name: "all for whom a request waits are marked",
      facts: {
        holders: [node("a", { inFlightCount: 4 }), node("b", { inFlightCount: 5 })],
        sharding: NO_BACKENDS,
      },
      want: [
        "* node a: a has all its 4 slots in use",
        "* node b: b has all its 4 slots in use",
        "- sharded rpc backends: no rpc backend is known",
      ],
    },
    {
      name: "the node that is to be woken is marked, though it cannot serve now",
      facts: { holders: [node("a", { health: "down", wake })], sharding: NO_BACKENDS },
      want: [
        "* node a: a is down: connection refused; it can be woken",
        "- sharded rpc backends: no rpc backend is known",
      ],
    },
    {
      name: "all coordinators of others that serve it are marked, since the least busy is taken",
      facts: { external: [external, { ...external, url: "http://x:2" }], rules: { mode: "distribution" } },
      want: [
        '* external http://x:1: the coordinator at http://x:1 serves "m"',
        '* external http://x:2: the coordinator at http://x:2 serves "m"',
        "- sharded rpc backends: model sharding is switched off",
      ],
    },
    {
      name: "what a wish leaves out is told with the wish",
      facts: { holders: [node("a"), node("b")], external: [external] },
      wish: "b",
      want: [
        '- node a: "m" (20.0 GiB) fits a (24.0 GiB), 0 of 4 slots in use; x-sollol-route asks for "b"',
        '* node b: "m" (20.0 GiB) fits b (24.0 GiB), 0 of 4 slots in use',
        '- external http://x:1: the coordinator at http://x:1 serves "m"; x-sollol-route asks for "b"',
        '- sharded rpc backends: "m" needs 20.0 GiB by its file; 2 rpc backends are free and 0 would be after a swap, ' +
        'with 40.0 GiB in all; x-sollol-route asks for "b"',
      ],
    },
    {
      name: "a ready coordinator is told to be ready",
      facts: { sharding: { coordinator: "ready" } },
      want: ['* sharded rpc backends: our coordinator of "m" is ready'],
    },
    {
      name: "mode single has one llama-server in place of rpc backends",
      facts: { holders: [node("a"), node("b", { isLocal: true })], rules: { mode: "single" } },
      want: [
        "- node a: a is not on this host, and task distribution is switched off",
        '* node b: "m" (20.0 GiB) fits b (24.0 GiB), 0 of 4 slots in use',
        '+ local llama-server: one llama-server on this host can load it; "m" needs 20.0 GiB by its file',
      ],
    },
    {
      name: "mode sharding has no use for nodes",
      facts: { holders: [node("a")], rules: { mode: "sharding" }, need: undefined },
      want: [
        "- node a: a is not used: task distribution is switched off",
        '* sharded rpc backends: what "m" needs is not known; 2 rpc backends are free and 0 would be after a swap, ' +
        "with 40.0 GiB in all",
      ],
    },
    {
      name: "a node that holds something else under the name is told from most",
      facts: {
        holders: [
          node("a", { digests: { m: "a".repeat(64) } }),
          node("b", { digests: { m: "b".repeat(64) }, inFlightCount: 1 }),
          node("c", { digests: { m: "a".repeat(64) }, inFlightCount: 1 }),
        ],
        sharding: NO_BACKENDS,
      },
      want: [
        '* node a: "m" (20.0 GiB) fits a (24.0 GiB), 0 of 4 slots in use',
        '+ node b: "m" (20.0 GiB) fits b (24.0 GiB), 1 of 4 slots in use; its digest is bbbbbbbbbbbb, another than ' +
        "that of most nodes",
        '+ node c: "m" (20.0 GiB) fits c (24.0 GiB), 1 of 4 slots in use',
        "- sharded rpc backends: no rpc backend is known",
      ],
    },
    {
      name: "of two that differ, both are told",
      facts: {
        holders: [
          node("a", { digests: { m: "a".repeat(64) } }),
          node("b", { digests: { m: "b".repeat(64) }, inFlightCount: 1 }),
        ],
        sharding: NO_BACKENDS,
      },
      want: [
        '* node a: "m" (20.0 GiB) fits a (24.0 GiB), 0 of 4 slots in use; its digest is aaaaaaaaaaaa, others have another',
        '+ node b: "m" (20.0 GiB) fits b (24.0 GiB), 1 of 4 slots in use; its digest is bbbbbbbbbbbb, others have another',
        "- sharded rpc backends: no rpc backend is known",
      ],
    },
    {
      name: "nobody knows what some nodes hold",
      facts: {
        holders: [node("a")],
        unaskedNodes: [UNASKED, { ...UNASKED, name: "c", wake: undefined }],
        sharding: NO_BACKENDS,
      },
      want: [
        '* node a: "m" (20.0 GiB) fits a (24.0 GiB), 0 of 4 slots in use',
        "- node b: b was never asked what it holds: down: refused; it can be woken",
        "- node c: c was never asked what it holds: down: refused",
        "- sharded rpc backends: no rpc backend is known",
      ],
    },
    {
      name: "one of them is named",
      facts: { unaskedNodes: [UNASKED, { ...UNASKED, name: "c" }], sharding: NO_BACKENDS },
      wish: "b",
      want: [
        "* node b: b was never asked what it holds: down: refused; it can be woken",
        '- node c: c was never asked what it holds: down: refused; it can be woken; x-sollol-route asks for "b"',
        '- sharded rpc backends: no rpc backend is known; x-sollol-route asks for "b"',
      ],
    },
    {
      name: "a model that is nowhere has but one candidate",
      facts: { sharding: { isStored: false } },
      want: ["- sharded rpc backends: it is not stored on this host"],
    },
  ] as { name: string; facts: RouteFactWishes; wish?: string; want: readonly string[] }[]
) {
  Deno.test(`explainRoute(): ${name}`, () => {
    deepEqual(explained(facts, wish === undefined ? {} : { wish }), want);
  });
}

Deno.test("explainRoute() changes nothing that it looks at", () => {
  const facts = Object.freeze(routeFacts({ holders: Object.freeze([node("a"), node("b")]) as never }));
  const before = explainRoute(demand, facts);
  deepEqual(explainRoute(demand, facts), before);
  equal(before.decision.to, "node");
});
