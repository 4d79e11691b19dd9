import fc from "fast-check";
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chooseEvictions, type EvictionCandidate } from "../../../lib/pool/choose_evictions.ts";

const MINUTE_MS = 60_000;

/** Holds the backend of its own name, loads in 10 s and was idle for a minute. */
function idle(key: string, told: Partial<EvictionCandidate> = {}): EvictionCandidate {
  return { key, endpoints: [key], loadMs: 10_000, idleMs: MINUTE_MS, ...told };
}

function all(...endpoints: string[]): (freed: ReadonlySet<string>) => boolean {
  return (freed) => endpoints.every((endpoint) => freed.has(endpoint));
}

function some(count: number): (freed: ReadonlySet<string>) => boolean {
  return (freed) => freed.size >= count;
}

const TABLE = [
  {
    name: "the least recently used of two that cost the same to load",
    candidates: [idle("fresh", { idleMs: 5_000 }), idle("old", { idleMs: 20 * MINUTE_MS })],
    suffices: some(1),
    want: ["old"],
  },
  {
    name: "the one that loads sooner of two that were used at the same time",
    candidates: [idle("large", { loadMs: 90_000 }), idle("small", { loadMs: 3_000 })],
    suffices: some(1),
    want: ["small"],
  },
  {
    name: "a small one used a minute ago rather than a large one used two minutes ago",
    candidates: [idle("large", { loadMs: 90_000, idleMs: 2 * MINUTE_MS }), idle("small", { loadMs: 3_000 })],
    suffices: some(1),
    want: ["small"],
  },
  {
    name: "a large one that was forgotten for hours rather than a small one in use",
    candidates: [
      idle("large", { loadMs: 90_000, idleMs: 300 * MINUTE_MS }),
      idle("small", { loadMs: 3_000, idleMs: 0 }),
    ],
    suffices: some(1),
    want: ["large"],
  },
  {
    name: "the one that holds what is needed, however dear",
    candidates: [idle("cheap", { loadMs: 1 }), idle("dear", { loadMs: 300_000 })],
    suffices: all("dear"),
    want: ["dear"],
  },
  {
    name: "one dear one rather than three cheap ones that cost more together",
    candidates: [
      ...["1", "2", "3"].map((key) => idle(key, { loadMs: 4_000 })),
      idle("dear", { endpoints: ["x", "y", "z"], loadMs: 10_000 }),
    ],
    suffices: some(3),
    want: ["dear"],
  },
  {
    name: "three cheap ones rather than one that costs more",
    candidates: [
      ...["1", "2", "3"].map((key) => idle(key, { loadMs: 3_000 })),
      idle("dear", { endpoints: ["x", "y", "z"], loadMs: 10_000 }),
    ],
    suffices: some(3),
    want: ["1", "2", "3"],
  },
  {
    name: "nobody where there is room",
    candidates: [idle("a")],
    suffices: () => true,
    want: [],
  },
  {
    name: "the cheapest where there is memory but too many run",
    candidates: [idle("dear", { loadMs: 90_000 }), idle("cheap")],
    leastCount: 1,
    suffices: () => true,
    want: ["cheap"],
  },
  {
    name: "one more than the memory asks for if too many run",
    candidates: [idle("cheap", { loadMs: 1 }), idle("needed"), idle("dear", { loadMs: 90_000 })],
    leastCount: 2,
    suffices: all("needed"),
    want: ["cheap", "needed"],
  },
  {
    name: "one that holds no backends where one has to go",
    candidates: [idle("without", { endpoints: [], loadMs: 1 }), idle("with")],
    leastCount: 1,
    suffices: () => true,
    want: ["without"],
  },
  {
    name: "neither of two that share a backend where the third alone will do",
    candidates: [
      idle("1", { endpoints: ["shared"] }),
      idle("2", { endpoints: ["shared"] }),
      idle("3", { endpoints: ["x", "y"], loadMs: 15_000 }),
    ],
    suffices: some(2),
    want: ["3"],
  },
  {
    name: "what was never measured before what was",
    candidates: [idle("known", { loadMs: 5 }), idle("unknown", { loadMs: 0 })],
    suffices: some(1),
    want: ["unknown"],
  },
];

for (const { name, candidates, suffices, leastCount = 0, want } of TABLE) {
  Deno.test(`chooseEvictions() stops ${name}`, () => {
    for (const order of [candidates, candidates.toReversed()]) {
      const chosen = chooseEvictions(order, { leastCount, suffices });
      deepEqual(chosen?.evicted.map(({ key }) => key).toSorted(), want, chosen?.because);
    }
  });
}

const HOPELESS = [
  { name: "nobody is idle", candidates: [], leastCount: 0, suffices: some(1) },
  {
    name: "not even all of them suffice",
    candidates: [idle("a"), idle("b")],
    leastCount: 0,
    suffices: some(3),
  },
  { name: "more have to go than are idle", candidates: [idle("a")], leastCount: 2, suffices: () => true },
];

for (const { name, candidates, ...need } of HOPELESS) {
  Deno.test(`chooseEvictions() stops nobody if ${name}`, () =>
    equal(chooseEvictions(candidates, need), undefined));
}

Deno.test("chooseEvictions() gives back what it was given, with all that the caller put there", () => {
  const candidate = { ...idle("a"), coordinator: Symbol("mine") };
  const chosen = chooseEvictions([candidate], { leastCount: 1, suffices: () => true });
  equal(chosen?.evicted[0], candidate);
});

const SENTENCES = [
  {
    count: 1,
    want: 1,
    sentence: /^no other coordinator can make room: unused for 1 min 0 s, loads again in 10\.0 s$/,
  },
  {
    count: 3,
    want: 1,
    sentence: /^the cheapest to stop of 3 coordinators that may go: unused for .* loads again in /,
  },
  {
    count: 3,
    want: 2,
    sentence: /^the cheapest 2 to stop of 3 coordinators that may go: unused .*; unused /,
  },
  { count: 2, want: 2, sentence: /^no fewer than all 2 coordinators that may go make enough room: unused / },
  { count: 2, want: 0, sentence: /^nobody has to make room$/ },
];

for (const { count, want, sentence } of SENTENCES) {
  Deno.test(`chooseEvictions() says why it stops ${want} of ${count}`, () => {
    const candidates = Array.from({ length: count }, (_, at) => idle(String(at)));
    match(chooseEvictions(candidates, { leastCount: 0, suffices: some(want) })!.because, sentence);
  });
}

Deno.test("chooseEvictions() says of one that is in use that it is", () => {
  const busy = idle("busy", { idleMs: 0 });
  const chosen = chooseEvictions([busy], { leastCount: 1, suffices: () => true });
  equal(chosen?.because, "no other coordinator can make room: in use, loads again in 10.0 s");
});

const anyCandidates = (maxLength: number) =>
  fc.array(
    fc.record({
      key: fc.uuid(),
      endpoints: fc.uniqueArray(fc.integer({ min: 0, max: 9 }).map(String), { maxLength: 3 }),
      loadMs: fc.integer({ min: 1, max: 100_000 }),
      idleMs: fc.integer({ min: 0, max: 600_000 }),
    }),
    { maxLength },
  );
const anyNeed = fc.record({ leastCount: fc.nat(3), backendCount: fc.nat(10) });

/** Counts the questions. */
function counted(holds: (freed: ReadonlySet<string>) => boolean) {
  const suffices = (freed: ReadonlySet<string>) => {
    suffices.count++;
    return holds(freed);
  };
  suffices.count = 0;
  return suffices;
}

function freedBy(set: readonly EvictionCandidate[]): Set<string> {
  return new Set(set.flatMap(({ endpoints }) => endpoints));
}

Deno.test("whoever is stopped suffices, and nobody of them could stay, of any number of candidates", () => {
  fc.assert(fc.property(anyCandidates(30), anyNeed, (candidates, { leastCount, backendCount }) => {
    const suffices = counted(some(backendCount));
    const chosen = chooseEvictions(candidates, { leastCount, suffices });
    ok(suffices.count <= 64, `${suffices.count} questions`);
    const isEnough = (set: readonly EvictionCandidate[]) =>
      set.length >= leastCount && freedBy(set).size >= backendCount;
    equal(chosen !== undefined, isEnough(candidates));
    if (!chosen) return;
    ok(isEnough(chosen.evicted), chosen.because);
    for (const one of chosen.evicted) {
      ok(!isEnough(chosen.evicted.filter((other) => other !== one)), `${one.key} could stay`);
    }
  }));
});

Deno.test("of up to six candidates the set is the cheapest of all", () => {
  const costOf = (set: readonly EvictionCandidate[]) =>
    set.reduce((sum, { loadMs, idleMs }) => sum + loadMs / (idleMs + 5_000), 0);
  fc.assert(fc.property(anyCandidates(6), anyNeed, (candidates, { leastCount, backendCount }) => {
    const chosen = chooseEvictions(candidates, { leastCount, suffices: some(backendCount) });
    for (let bits = 0; bits < 2 ** candidates.length; bits++) {
      const set = candidates.filter((_, at) => bits & (1 << at));
      const isEnough = set.length >= leastCount && freedBy(set).size >= backendCount;
      if (isEnough) ok(costOf(chosen!.evicted) <= costOf(set) + 1e-9, chosen!.because);
    }
  }));
});

Deno.test("64 candidates are chosen from with fewer than 100 questions", () => {
  const candidates = Array.from({ length: 64 }, (_, at) => idle(String(at), { loadMs: 1 + at }));
  const suffices = counted(all("63"));
  deepEqual(chooseEvictions(candidates, { leastCount: 0, suffices })?.evicted, [candidates[63]]);
  ok(suffices.count < 100, `${suffices.count} questions`);
});
