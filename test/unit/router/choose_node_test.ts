import fc from "fast-check";
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chooseNode } from "../../../lib/router/choose_node.ts";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import type { Demand, RouteRules } from "../../../lib/router/decision.ts";
import { explainRoute } from "../../../lib/router/explain_route.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import type { ModelNeed } from "../../../lib/nodes/model_need.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes, needOf } from "../../fixtures/known_nodes.ts";
import { routeFacts } from "../../fixtures/route_facts.ts";

const demand: Demand = { model: "m", key: "m" };
const need = needOf(8 * GIB);
const { rules } = routeFacts();

/** The model is loaded, all of it on GPUs. */
const loaded = { loaded: { m: 8 * GIB } };
/** It is loaded, but a quarter of it is on the CPU. */
const partlyLoaded = { loaded: { m: { sizeBytes: 8 * GIB, vramBytes: 6 * GIB } } };
/** Others are loaded, and have to go. */
const crowded = { loaded: { other: 20 * GIB } };

function chosen(
  nodes: Record<string, KnownNodeWishes>,
  told: { demand?: Partial<Demand>; rules?: Partial<RouteRules>; need?: ModelNeed | undefined } = {},
): string {
  const choice = chooseNode(
    Object.entries(nodes).map(([name, wishes]) => knownNode(name, { held: { m: 7 * GIB }, ...wishes })),
    { ...demand, ...told.demand },
    "need" in told ? told.need : need,
    { ...rules, ...told.rules },
  );
  return choice?.to === "node" ? choice.node.name : choice?.to ?? "none";
}

for (
  const { name, nodes, told, want } of [
    {
      name: "where it is loaded rather than where it fits",
      nodes: { a: {}, b: loaded, c: crowded },
      want: "b",
    },
    {
      name: "where it fits rather than where others have to be unloaded",
      nodes: { a: crowded, b: { inFlightCount: 1 } },
      want: "b",
    },
    {
      name: "where it fits rather than where nobody knows the memory",
      nodes: { a: { memoryBytes: undefined }, b: { lastTurn: 9 } },
      want: "b",
    },
    {
      name: "where nobody knows the memory rather than where others have to be unloaded",
      nodes: { a: crowded, b: { memoryBytes: undefined, lastTurn: 9 } },
      want: "b",
    },
    {
      name: "where it is loaded, of nodes that all would hold it for all that is known",
      nodes: { a: {}, b: { ...loaded, lastTurn: 9 } },
      told: { need: undefined },
      want: "b",
    },
    {
      name: "where all of it is on GPUs rather than where some is on the CPU",
      nodes: { a: partlyLoaded, b: loaded },
      want: "b",
    },
    {
      name: "where it is partly on the CPU rather than to load it elsewhere",
      nodes: { a: {}, b: partlyLoaded },
      want: "b",
    },
    {
      name: "where it is loaded while less than half of its slots are in use",
      nodes: { a: { ...loaded, inFlightCount: 1 }, b: {} },
      want: "a",
    },
    {
      name: "where it is loaded if loading elsewhere would just be as good",
      nodes: { a: { ...loaded, inFlightCount: 2 }, b: {} },
      want: "a",
    },
    {
      name: "an idle node where it fits once more than half of the slots of the one with it are in use",
      nodes: { a: { ...loaded, inFlightCount: 3 }, b: {} },
      want: "b",
    },
    {
      name: "no node where others have to be unloaded while one that has it has a slot",
      nodes: { a: { ...loaded, inFlightCount: 3 }, b: crowded },
      want: "a",
    },
    {
      name: "even that one when there is no slot otherwise",
      nodes: { a: { ...loaded, inFlightCount: 4 }, b: crowded },
      want: "b",
    },
    {
      name: "the one with fewer requests of two that have it",
      nodes: { a: { ...loaded, inFlightCount: 2 }, b: { ...loaded, inFlightCount: 1 } },
      want: "b",
    },
    {
      name: "the one with more slots if both have as many requests",
      nodes: { a: { ...loaded, inFlightCount: 2 }, b: { ...loaded, inFlightCount: 2, slotCount: 8 } },
      want: "b",
    },
    {
      name: "one of weight 3 though it has more requests",
      nodes: { a: { ...loaded, inFlightCount: 1 }, b: { ...loaded, inFlightCount: 3, weight: 3 } },
      want: "b",
    },
    {
      name: "one that is ten times faster though it has more requests",
      nodes: {
        a: { ...loaded, speeds: { m: 8 } },
        b: { ...loaded, speeds: { m: 80 }, inFlightCount: 3 },
      },
      want: "b",
    },
    {
      name: "one that is fast rather than one that has it and is ten times slower",
      nodes: { a: { ...loaded, speeds: { m: 8 } }, b: { speeds: { m: 80 } }, c: { speeds: { m: 70 } } },
      want: "b",
    },
    {
      name: "one that was not measured rather than one below the median",
      nodes: {
        a: { speeds: { m: 5 } },
        b: { lastTurn: 9 },
        c: { speeds: { m: 10 }, inFlightCount: 2 },
        d: { speeds: { m: 10 }, inFlightCount: 2 },
      },
      want: "b",
    },
    {
      name: "one above the median rather than one that was not measured",
      nodes: { a: { speeds: { m: 10 } }, b: {}, c: { speeds: { m: 20 }, lastTurn: 9 } },
      want: "c",
    },
    {
      name: "the longest ago chosen of equals",
      nodes: { a: { lastTurn: 7 }, b: { lastTurn: 3 }, c: { lastTurn: 5 } },
      want: "b",
    },
    {
      name: "one that answered no tokens at all only when there is nothing better",
      nodes: { a: { speeds: { m: 0 } }, b: { speeds: { m: 20 }, lastTurn: 9 } },
      want: "b",
    },
    {
      name: "one whose speed is nonsense only when there is nothing better",
      nodes: { a: { speeds: { m: NaN } }, b: { speeds: { m: -5 } }, c: { speeds: { m: 1 }, lastTurn: 9 } },
      want: "c",
    },
    {
      name: "by need unknown all that hold it",
      nodes: { a: { memoryBytes: 1, inFlightCount: 1 }, b: { inFlightCount: 2 } },
      told: { need: undefined },
      want: "a",
    },
    {
      name: "nobody if it fits nobody",
      nodes: { a: { memoryBytes: 4 * GIB }, b: { refused: ["m"] } },
      want: "none",
    },
    {
      name: "to wait if all that it fits are full",
      nodes: { a: { inFlightCount: 4 }, b: { memoryBytes: GIB } },
      want: "line",
    },
  ] as {
    name: string;
    nodes: Record<string, KnownNodeWishes>;
    told?: Parameters<typeof chosen>[1];
    want: string;
  }[]
) {
  Deno.test(`auto takes ${name}`, () => equal(chosen(nodes, told), want));
}

const talk = { affinity: "known" };
for (
  const { name, nodes, told, want } of [
    {
      name: "is taken though another is idle",
      nodes: { idle: loaded, known: { ...loaded, inFlightCount: 2 } },
      told: { demand: talk },
      want: "known",
    },
    {
      name: "is not taken if it has more than the margin",
      nodes: { idle: loaded, known: { ...loaded, inFlightCount: 3 } },
      told: { demand: talk },
      want: "idle",
    },
    {
      name: "is not taken with a margin of 0 if it has one request more",
      nodes: { idle: loaded, known: { ...loaded, inFlightCount: 1 } },
      told: { demand: talk, rules: { affinityMargin: 0 } },
      want: "idle",
    },
    {
      name: "is not taken if it is full",
      nodes: { idle: { ...loaded, inFlightCount: 3 }, known: { ...loaded, inFlightCount: 4 } },
      told: { demand: talk },
      want: "idle",
    },
    {
      name: "is not taken if it is not sound",
      nodes: { idle: loaded, known: { ...loaded, breaker: "open" } },
      told: { demand: talk },
      want: "idle",
    },
    {
      name: "is not taken if it has unloaded the model, and its cache with it",
      nodes: { idle: loaded, known: {} },
      told: { demand: talk },
      want: "idle",
    },
    {
      name: "is taken if nobody has the model loaded, by what is known yet",
      nodes: { idle: {}, known: { inFlightCount: 1 } },
      told: { demand: talk },
      want: "known",
    },
    {
      name: "is taken by the other policies as well",
      nodes: { idle: loaded, known: { ...loaded, inFlightCount: 1, lastTurn: 9 } },
      told: { demand: talk, rules: { policy: "round_robin" } },
      want: "known",
    },
    {
      name: "does not matter to embeddings",
      nodes: { idle: loaded, known: { ...loaded, inFlightCount: 1 } },
      told: { demand: { ...talk, task: "embedding" } },
      want: "idle",
    },
    {
      name: "may be one that is not there any more",
      nodes: { idle: loaded },
      told: { demand: talk },
      want: "idle",
    },
  ] as {
    name: string;
    nodes: Record<string, KnownNodeWishes>;
    told: Parameters<typeof chosen>[1];
    want: string;
  }[]
) {
  Deno.test(`the node that has the conversation ${name}`, () => equal(chosen(nodes, told), want));
}

for (
  const { policy, name, nodes, task, want } of [
    {
      policy: "least_busy",
      name: "takes the fewest requests, wherever the model is loaded",
      nodes: { a: { ...loaded, inFlightCount: 1 }, b: {} },
      want: "b",
    },
    {
      policy: "least_busy",
      name: "counts requests by slots and weight",
      nodes: { a: { inFlightCount: 2 }, b: { inFlightCount: 3, slotCount: 8 }, c: { inFlightCount: 3 } },
      want: "b",
    },
    {
      policy: "least_busy",
      name: "takes the loaded one of two idle ones",
      nodes: { a: {}, b: { ...loaded, lastTurn: 9 } },
      want: "b",
    },
    {
      policy: "round_robin",
      name: "takes the longest ago chosen, however busy",
      nodes: { a: { lastTurn: 4, ...loaded }, b: { lastTurn: 3, inFlightCount: 3 } },
      want: "b",
    },
    {
      policy: "round_robin",
      name: "passes over one that is full",
      nodes: { a: { lastTurn: 4 }, b: { lastTurn: 3, inFlightCount: 4 } },
      want: "a",
    },
    {
      policy: "fastest",
      name: "takes the most tokens a second, however busy",
      nodes: { a: { speeds: { m: 20 } }, b: { speeds: { m: 90 }, inFlightCount: 3 } },
      want: "b",
    },
    {
      policy: "fastest",
      name: "passes over one that is full",
      nodes: { a: { speeds: { m: 20 } }, b: { speeds: { m: 90 }, inFlightCount: 4 } },
      want: "a",
    },
    {
      policy: "fastest",
      name: "takes the sooner first token of equals",
      nodes: {
        a: { speeds: { m: 20 }, firstTokenMs: 900 },
        b: { speeds: { m: 20 }, firstTokenMs: 80 },
        c: { speeds: { m: 20 } },
      },
      want: "b",
    },
    {
      policy: "fastest",
      name: "measures one that was never measured",
      nodes: { a: { speeds: { m: 90 } }, b: {} },
      want: "b",
    },
    {
      policy: "fastest",
      name: "gives one that was never measured no second request meanwhile",
      nodes: { a: { speeds: { m: 90 } }, b: { inFlightCount: 1 } },
      want: "a",
    },
    {
      policy: "fastest",
      name: "does not take one that answered no tokens for unmeasured",
      nodes: { a: { speeds: { m: 0 } }, b: { speeds: { m: 1 }, lastTurn: 9 } },
      want: "b",
    },
    ...(["auto", "least_busy", "fastest"] as const).map((policy) => ({
      policy,
      name: "spreads embeddings over all that hold the model",
      nodes: { a: { ...loaded, inFlightCount: 1, speeds: { m: 90 } }, b: crowded },
      task: "embedding",
      want: "b",
    })),
    {
      policy: "auto",
      name: "embeds where the model is loaded, of two that are as busy",
      nodes: { a: { inFlightCount: 1 }, b: { ...loaded, inFlightCount: 1, lastTurn: 9 } },
      task: "embedding",
      want: "b",
    },
  ] as {
    policy: RouteRules["policy"];
    name: string;
    nodes: Record<string, KnownNodeWishes>;
    task?: Demand["task"];
    want: string;
  }[]
) {
  Deno.test(`${policy} ${name}`, () => equal(chosen(nodes, { demand: { task }, rules: { policy } }), want));
}

/** Who gets so many requests one after the other, none of which ends; or all end at once. */
function dealt(
  nodes: Record<string, KnownNodeWishes>,
  { count, rules: told = {}, keeps }: { count: number; rules?: Partial<RouteRules>; keeps: boolean },
): Record<string, number> {
  const shares: Record<string, number> = Object.fromEntries(Object.keys(nodes).map((name) => [name, 0]));
  const now = structuredClone(nodes);
  for (let turn = 1; turn <= count; turn++) {
    const name = chosen(now, { rules: told });
    if (!(name in shares)) break;
    shares[name]!++;
    now[name] = { ...now[name], ...loaded, lastTurn: turn };
    if (keeps) now[name] = { ...now[name], inFlightCount: (now[name]!.inFlightCount ?? 0) + 1 };
  }
  return shares;
}

for (
  const { name, nodes, how, want } of [
    {
      name: "one node keeps single requests, for it has the model",
      nodes: { a: {}, b: {}, c: {} },
      how: { count: 30, keeps: false },
      want: { a: 30, b: 0, c: 0 },
    },
    {
      name: "requests at the same time are spread until all slots are in use",
      nodes: { a: {}, b: {}, c: {} },
      how: { count: 99, keeps: true },
      want: { a: 4, b: 4, c: 4 },
    },
    {
      name: "6 requests at the same time do not pile up where the model was first",
      nodes: { a: loaded, b: {} },
      how: { count: 6, keeps: true },
      want: { a: 3, b: 3 },
    },
    {
      name: "nodes that have the model share evenly",
      nodes: { a: loaded, b: loaded, c: loaded },
      how: { count: 30, keeps: false },
      want: { a: 10, b: 10, c: 10 },
    },
    {
      name: "in turn, each gets as many",
      nodes: { a: {}, b: {}, c: {} },
      how: { count: 30, keeps: false, rules: { policy: "round_robin" } },
      want: { a: 10, b: 10, c: 10 },
    },
    {
      name: "in turn, weight 2 gets twice as many",
      nodes: { a: { weight: 2 }, b: {}, c: {} },
      how: { count: 40, keeps: false, rules: { policy: "round_robin" } },
      want: { a: 21, b: 10, c: 9 },
    },
  ] as {
    name: string;
    nodes: Record<string, KnownNodeWishes>;
    how: Parameters<typeof dealt>[1];
    want: Record<string, number>;
  }[]
) {
  Deno.test(`dealing: ${name}`, () => deepEqual(dealt(nodes, how), want));
}

/** Numbers as they should be, and as they should never be. */
const hostile = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 8 }) },
  fc.double({ min: 0, max: 64 * GIB }),
  fc.constantFrom(0, -1, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324),
);
const maybe = fc.option(hostile, { nil: undefined });

const anyNode: fc.Arbitrary<KnownNodeWishes> = fc.record({
  isLocal: fc.boolean(),
  health: fc.constantFrom("up", "up", "up", "down", "unknown"),
  breaker: fc.constantFrom("closed", "closed", "open", "half-open"),
  isSound: fc.constantFrom(true, true, true, false),
  inFlightCount: hostile,
  slotCount: fc.oneof({ weight: 3, arbitrary: fc.constant(8) }, hostile),
  weight: hostile,
  memoryBytes: maybe,
  residentBytes: hostile,
  firstTokenMs: maybe,
  lastTurn: hostile,
  tags: fc.subarray(["fast", "node"]),
  wake: fc.constantFrom(undefined, { mac: "aa:bb:cc:dd:ee:ff", broadcast: "192.0.2.255", port: 9 }),
  held: fc.record({ m: hostile }),
  loaded: fc.oneof(
    fc.constant({}),
    fc.record({ m: fc.record({ sizeBytes: hostile, vramBytes: hostile }) }),
  ),
  speeds: fc.oneof(fc.constant({}), fc.record({ m: hostile })),
  refused: fc.constantFrom([], [], [], [], ["m"]),
  allowed: fc.constantFrom(["m"], ["m"], ["m"], ["m"], []),
  digests: fc.record({ m: fc.constantFrom("a".repeat(64), "b".repeat(64), "") }),
});

const anyCase = fc.record({
  nodes: fc.array(anyNode, { maxLength: 7 }),
  need: fc.option(
    fc.record({
      bytes: hostile,
      weightBytes: hostile,
      contextSize: hostile,
      parameterCount: maybe,
      source: fc.constantFrom("profile", "gguf", "show", "size", "name"),
    }),
    { nil: undefined },
  ) as fc.Arbitrary<ModelNeed | undefined>,
  rules: fc.record({
    mode: fc.constantFrom("single", "sharding", "distribution", "hybrid", "hybrid", "hybrid"),
    policy: fc.constantFrom("auto", "least_busy", "round_robin", "fastest"),
    affinityMargin: hostile,
    shardAboveBytes: maybe,
    distributedThresholdParams: maybe,
    profile: fc.option(
      fc.record({
        requiresDistributed: fc.boolean(),
        route: fc.constantFrom(undefined, undefined, "node", "sharded", "n2", "fast", "http://x:1"),
      }),
      { nil: undefined },
    ),
  }) as fc.Arbitrary<RouteRules>,
  sharding: fc.record({
    backendCount: hostile,
    freeCount: hostile,
    leasedCount: hostile,
    usableBytes: hostile,
    coordinator: fc.constantFrom(undefined, "ready", "starting", "failed"),
    isStored: fc.constantFrom(true, true, false, undefined),
  }),
  external: fc.array(
    fc.record({
      url: fc.constantFrom("http://x:1", "http://x:2"),
      health: fc.constantFrom("up", "down", "loading", "unknown"),
      reason: fc.constant("it says so"),
      modelKeys: fc.constantFrom(new Set(["m"]), new Set<string>()),
      mayServeMore: fc.boolean(),
    }),
    { maxLength: 2 },
  ),
  tried: fc.subarray(["n0", "n1", "n3", "sharded", "http://x:1"]),
  wish: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    "node",
    "sharded",
    "n1",
    "fast",
    "http://n2:11434",
    "",
  ),
  task: fc.constantFrom("chat", "completion", "embedding", undefined),
  affinity: fc.constantFrom(undefined, "n0", "n1", "gone"),
});

/** What the case says, and what was decided. */
function decided(told: typeof anyCase extends fc.Arbitrary<infer T> ? T : never) {
  const { nodes, need, rules, sharding, external, tried, ...rest } = told;
  const holders = nodes.map((wishes, at) => knownNode(`n${at}`, wishes));
  const request = { ...demand, ...rest, tried: new Set(tried) } as Demand;
  const facts = routeFacts({ rules, sharding, need, holders, external } as Parameters<typeof routeFacts>[0]);
  return { request, facts, decision: decideRoute(request, facts) };
}

/** Told apart from the code that decides. */
function isServable(node: KnownNode, { request, facts }: ReturnType<typeof decided>): boolean {
  const { need, rules } = facts;
  const isLoaded = node.resident.has("m");
  const isTooSmall = need !== undefined && node.memoryBytes !== undefined &&
    !(need.bytes <= node.memoryBytes);
  return rules.mode !== "sharding" && (rules.mode !== "single" || node.isLocal) && node.allows("m") &&
    !request.tried!.has(node.name) && (isLoaded || (!isTooSmall && !node.hasRefused("m")));
}

const RUNS = { numRuns: 3_000 };

Deno.test("no request goes to a node that is unsound, full, not allowed, too small or tried", () => {
  let nodeCount = 0;
  fc.assert(
    fc.property(anyCase, (told) => {
      const outcome = decided(told);
      const { decision } = outcome;
      if (decision.to === "node") {
        nodeCount++;
        const { node } = decision;
        ok(isServable(node, outcome), decision.because);
        ok(node.health === "up" && node.isSound && node.inFlightCount < node.slotCount, decision.because);
      }
      if (decision.to === "line") {
        for (const node of decision.nodes) {
          ok(isServable(node, outcome), decision.because);
          ok(node.health !== "down" && node.breaker !== "open", decision.because);
        }
      }
      if (decision.to === "wake") {
        ok(isServable(decision.node, outcome) && decision.node.wake !== undefined, decision.because);
        equal(decision.node.health, "down");
      }
    }),
    RUNS,
  );
  ok(nodeCount > 100, `only ${nodeCount} of the cases went to a node`);
});

Deno.test("no request waits or is refused while a node that may serve it is free, in whatever mode", () => {
  fc.assert(
    fc.property(anyCase, (told) => {
      const outcome = decided({ ...told, wish: undefined, rules: { ...told.rules, profile: undefined } });
      const isFree = outcome.facts.holders.some((node) =>
        isServable(node, outcome) && node.health === "up" && node.breaker !== "open" && node.isSound &&
        node.inFlightCount < node.slotCount
      );
      if (isFree) ok(!["line", "wake", "nowhere"].includes(outcome.decision.to), outcome.decision.because);
    }),
    RUNS,
  );
});

Deno.test("each decision has its sentence, and refusals say what to do", () => {
  fc.assert(
    fc.property(anyCase, (told) => {
      const { decision } = decided(told);
      ok(!/undefined|; ;|;;|: ;|: $/.test(decision.because), decision.because);
      if (decision.to === "nowhere") match(decision.because, /^Cannot serve "m": .+; .+$/);
    }),
    RUNS,
  );
});

Deno.test("an explanation has the same decision, and its candidates agree with it", () => {
  fc.assert(
    fc.property(anyCase, (told) => {
      const { request, facts, decision } = decided(told);
      const explained = explainRoute(request, facts);
      deepEqual(explained.decision, decision);
      equal(explained.candidates.length, facts.holders.length + facts.external.length + 1);
      const chosen = explained.candidates.filter(({ isChosen }) => isChosen);
      equal(chosen.length > 0, decision.to !== "nowhere", decision.because);
      if (decision.to !== "wake") ok(chosen.every(({ isPossible }) => isPossible), decision.because);
      if (decision.to === "nowhere") {
        deepEqual(explained.candidates.filter(({ isPossible }) => isPossible), [], decision.because);
      }
      for (const { because } of explained.candidates) ok(!/undefined|; ;|^$/.test(because), because);
    }),
    RUNS,
  );
});
