import fc from "fast-check";
import { deepEqual, equal, match, ok, rejects, strictEqual } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { NodeLine, type SlotTaken, type SlotWanted } from "../../../lib/nodes/node_line.ts";
import { WaitingRoom } from "../../../lib/queue/waiting_room.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** One slot of a node, until it is given back. */
interface Slot {
  readonly node: string;
  release(): void;
}

/** What a request of a test says; the model is its key. */
interface Asked {
  readonly nodes?: readonly string[];
  readonly priority?: number;
  readonly maxWaitMs?: number;
  readonly signal?: AbortSignal;
  readonly take?: () => Slot | undefined;
}

/** Nodes with slots, and a line for them. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly free = new Map<string, number>();
  readonly listeners = new Set<() => void>();
  readonly line: NodeLine;
  readonly room: WaitingRoom;
  /** Keys, each time that one was asked whether it finds a slot. */
  readonly asked: string[] = [];
  queueWaitMs = 10_000;

  constructor(slots: Record<string, number> = { n1: 1 }, maxCount = 100) {
    for (const [name, count] of Object.entries(slots)) this.free.set(name, count);
    this.room = new WaitingRoom(() => maxCount);
    this.line = new NodeLine({
      pool: {
        onChange: (listener) => {
          this.listeners.add(listener);
          return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
        },
      },
      room: this.room,
      clock: this.clock,
      settings: () => ({ queueWaitMs: this.queueWaitMs }),
    });
  }

  wanted(key: string, { nodes = [...this.free.keys()], take, ...told }: Asked = {}): SlotWanted<Slot> {
    const signal = told.signal ?? new AbortController().signal;
    const takeOf = () => {
      this.asked.push(key);
      return take ? take() : this.lease(nodes);
    };
    const because = () => `waits for a slot of ${nodes.join(" or ")}`;
    return { key, model: key, demand: { ...told, signal }, take: takeOf, because };
  }

  /** What is not awaited may fail. */
  acquire(key: string, asked: Asked = {}): Promise<SlotTaken<Slot>> {
    const promise = this.line.acquire(this.wanted(key, asked));
    promise.catch(() => {});
    return promise;
  }

  lease(nodes: readonly string[] = [...this.free.keys()]): Slot | undefined {
    const node = nodes.find((name) => this.free.get(name)! > 0);
    if (node === undefined) return undefined;
    this.free.set(node, this.free.get(node)! - 1);
    return { node, release: () => this.give(node) };
  }

  give(node: string): void {
    this.free.set(node, this.free.get(node)! + 1);
    this.change();
  }

  change(): void {
    for (const listener of this.listeners) listener();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }

  [Symbol.dispose](): void {
    this.line[Symbol.dispose]();
  }
}

/** Lets all promise reactions run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

/** Writes down in which order promises are fulfilled. */
function orderOf(named: Record<string, Promise<SlotTaken<Slot>>>): string[] {
  const order: string[] = [];
  for (const [name, promise] of Object.entries(named)) void promise.then(() => order.push(name), () => {});
  return order;
}

Deno.test("a free slot is taken at once, in the same step", async () => {
  using bench = new Bench();
  const acquired = bench.acquire("m");
  equal(bench.free.get("n1"), 0);
  deepEqual([(await acquired).taken.node, (await acquired).queueMs, bench.room.count], ["n1", 0, 0]);
});

Deno.test("who finds no slot waits for one, is counted, and is told how long it waited", async () => {
  using bench = new Bench();
  const { taken } = await bench.acquire("m");
  const waiting = bench.acquire("m");
  deepEqual([bench.line.countOf("m"), bench.line.countOf("other"), bench.room.count], [1, 0, 1]);
  bench.clock.advance(1_234);
  taken.release();
  deepEqual([bench.line.countOf("m"), bench.room.count], [0, 0]);
  equal((await waiting).queueMs, 1_234);
});

Deno.test("a slot that becomes free while somebody begins to wait is seen", async () => {
  using bench = new Bench({ n1: 0 });
  const first = bench.acquire("m");
  bench.give("n1"); // before any reaction has run
  equal((await first).taken.node, "n1");
});

Deno.test("slots go to the best first: by priority, then by age, the background last", async () => {
  using bench = new Bench({ n1: 0 });
  const order = orderOf({
    background: bench.acquire("m", { priority: -1_000 }),
    low: bench.acquire("m", { priority: 0 }),
    first: bench.acquire("m"),
    second: bench.acquire("m"),
    high: bench.acquire("m", { priority: 10 }),
  });
  for (let at = 0; at < 5; at++) {
    bench.give("n1");
    await settle();
  }
  deepEqual(order, ["high", "first", "second", "low", "background"]);
});

Deno.test("a newcomer does not pass an equal who waits for the same, but one with a higher priority does", async () => {
  using bench = new Bench({ n1: 0 });
  const waiting = bench.acquire("m");
  bench.free.set("n1", 1); // nobody was told yet
  const newcomer = bench.acquire("m");
  equal(bench.free.get("n1"), 1);
  equal((await bench.acquire("m", { priority: 6 })).taken.node, "n1");
  bench.give("n1");
  await waiting;
  bench.give("n1");
  await newcomer;
});

Deno.test("who waits for one model never holds up who waits for another", async () => {
  using bench = new Bench({ n1: 0, n2: 0 });
  const order = orderOf({
    a: bench.acquire("a", { nodes: ["n1"], priority: 10 }),
    b: bench.acquire("b", { nodes: ["n2"], priority: 0 }),
  });
  bench.give("n2");
  await settle();
  deepEqual(order, ["b"]);
  equal(
    (await bench.acquire("c", { nodes: [...bench.free.keys()], take: () => slot("n3") })).taken.node,
    "n3",
  );
  equal(bench.line.countOf("a"), 1);
});

Deno.test("of two models that wait for one node the better ranked request gets its slot", async () => {
  using bench = new Bench({ n1: 0 });
  const order = orderOf({ a: bench.acquire("a", { priority: 4 }), b: bench.acquire("b") });
  bench.give("n1");
  await settle();
  deepEqual(order, ["b"]);
});

Deno.test("one change serves as many as there are slots, and nobody gets another's", async () => {
  using bench = new Bench({ n1: 0, n2: 0 });
  const all = Array.from({ length: 5 }, () => bench.acquire("m"));
  bench.free.set("n1", 2);
  bench.free.set("n2", 1);
  bench.change();
  const taken = await Promise.all(all.slice(0, 3));
  deepEqual(taken.map(({ taken }) => taken.node), ["n1", "n1", "n2"]);
  deepEqual([bench.line.countOf("m"), bench.lease()], [2, undefined]);
});

for (
  const { name, keyOf } of [
    { name: "100 models in turn", keyOf: (at: number) => at % 100 },
    { name: "mostly one model", keyOf: (at: number) => Math.max(0, at - 9_900) },
  ]
) {
  Deno.test(`of 10,000 that wait for ${name}, a change asks only one of each that finds nothing`, () => {
    using bench = new Bench({ n1: 0 }, 10_000);
    for (let at = 0; at < 10_000; at++) bench.acquire(`m${keyOf(at)}`);
    bench.asked.length = 0;
    bench.change();
    equal(bench.asked.length, 100);
    equal(new Set(bench.asked).size, 100);
    bench.asked.length = 0;
    bench.free.set("n1", 3);
    bench.change();
    equal(bench.asked.length, 103);
    equal(bench.room.count, 9_997);
  });
}

Deno.test("a change where nobody waits asks nobody", async () => {
  using bench = new Bench();
  const { taken } = await bench.acquire("m");
  bench.asked.length = 0;
  taken.release();
  deepEqual(bench.asked, []);
});

Deno.test("what take() throws refuses that request alone, the next gets the slot", async () => {
  using bench = new Bench({ n1: 0 });
  const fault = new GatewayError("model_not_found", "all holders were removed");
  const failing = bench.acquire("m", {
    take: () => {
      if (bench.free.get("n1")! > 0) throw fault;
      return undefined;
    },
  });
  const next = bench.acquire("m");
  bench.give("n1");
  await rejects(failing, fault);
  equal((await next).taken.node, "n1");
  equal(bench.room.count, 0);
  await rejects(
    bench.acquire("m", {
      take: () => {
        throw fault;
      },
    }),
    fault,
  );
});

Deno.test("who takes a slot and thereby changes the pool has the others asked again", async () => {
  using bench = new Bench({ n1: 0, n2: 0 });
  const first = bench.acquire("a", {
    nodes: ["n1"],
    take: () => {
      const slot = bench.lease(["n1"]);
      if (slot) bench.give("n2"); // as if it had moved on
      return slot;
    },
    priority: 0,
  });
  const second = bench.acquire("b", { nodes: ["n2"] });
  bench.give("n1");
  deepEqual([(await first).taken.node, (await second).taken.node], ["n1", "n2"]);
});

Deno.test("one that changes the pool each time that it is asked does not keep the line busy for ever", async () => {
  using bench = new Bench({ n1: 0 });
  const restless = bench.acquire("a", {
    take: () => {
      bench.change();
      return undefined;
    },
    priority: 10,
  });
  const other = bench.acquire("b");
  bench.give("n1");
  equal((await other).taken.node, "n1");
  ok(bench.asked.length < 20, `asked ${bench.asked.length} times`);
  bench.line.close();
  await rejects(restless, { code: "shutting_down" });
});

Deno.test("a request that is made while another one is asked is served too", async () => {
  using bench = new Bench({ n1: 0 });
  let inner: Promise<SlotTaken<Slot>> | undefined;
  const outer = bench.acquire("a", {
    take: () => {
      const slot = bench.lease();
      if (slot) inner = bench.acquire("b");
      return slot;
    },
  });
  bench.give("n1");
  (await outer).taken.release();
  equal((await inner!).taken.node, "n1");
});

Deno.test("a client that leaves gets nothing, and the next gets its slot", async () => {
  using bench = new Bench({ n1: 0 });
  const client = new AbortController();
  const reason = new Error("left");
  const leaving = bench.acquire("m", { signal: client.signal });
  const next = bench.acquire("m");
  client.abort(reason);
  equal(bench.line.countOf("m"), 1);
  bench.give("n1");
  await rejects(leaving, reason);
  equal((await next).taken.node, "n1");
  await rejects(bench.acquire("m", { signal: client.signal }), reason);
  equal(bench.room.count, 0);
});

Deno.test("who is served before its client leaves has the slot, which is its own to give back", async () => {
  using bench = new Bench({ n1: 0 });
  const client = new AbortController();
  const waiting = bench.acquire("m", { signal: client.signal });
  bench.give("n1");
  client.abort();
  (await waiting).taken.release();
  equal(bench.free.get("n1"), 1);
});

const WAITS: { name: string; asked: Asked; ms: number; want: RegExp }[] = [
  {
    name: "as long as the settings say",
    asked: {},
    ms: 10_000,
    want:
      /^Cannot serve "m" now: .* waited 10\.0 s for others, and "m" waits for a slot of n1; .*limits\.queue_wait$/,
  },
  {
    name: "as long as it said",
    asked: { maxWaitMs: 2_000 },
    ms: 2_000,
    want: /^Cannot serve "m" now: .* waited 2\.0 s for others, .* let it wait longer$/,
  },
  {
    name: "longer than the settings say if it said so",
    asked: { maxWaitMs: 60_000 },
    ms: 60_000,
    want: /1 min 0 s/,
  },
];

for (const { name, asked, ms, want } of WAITS) {
  Deno.test(`a request waits ${name}, then it is told what for`, async () => {
    using bench = new Bench({ n1: 0 });
    const waiting = bench.acquire("m", asked);
    await bench.pass(ms - 1);
    equal(bench.room.count, 1);
    await bench.pass(1);
    equal(bench.room.count, 0);
    await rejects(waiting, (error: GatewayError) => {
      equal(error.code, "no_capacity");
      ok((error.retryAfterSeconds ?? 0) > 0);
      match(error.message, want);
      return true;
    });
  });
}

Deno.test("another time in the settings holds for those who wait already", async () => {
  using bench = new Bench({ n1: 0 });
  const [first, own] = [bench.acquire("m"), bench.acquire("m", { maxWaitMs: 15_000 })];
  bench.queueWaitMs = 20_000;
  bench.line.settingsChanged();
  await bench.pass(10_000);
  equal(bench.line.countOf("m"), 2);
  const second = bench.acquire("m");
  bench.queueWaitMs = 3_000;
  bench.line.settingsChanged();
  await rejects(first, /waited 10\.0 s for others/);
  await bench.pass(2_999);
  equal(bench.line.countOf("m"), 2);
  await bench.pass(1);
  await rejects(second, /waited 3\.0 s for others/);
  await bench.pass(2_000);
  await rejects(own, /waited 15\.0 s for others/);
});

Deno.test("each is refused at its own time, whoever came first", async () => {
  using bench = new Bench({ n1: 0 });
  const patient = bench.acquire("m", { maxWaitMs: Infinity });
  const long = bench.acquire("m");
  await bench.pass(1_000);
  const short = bench.acquire("m", { maxWaitMs: 500 });
  await bench.pass(500);
  await rejects(short, { code: "no_capacity" });
  equal(bench.line.countOf("m"), 2);
  await bench.pass(8_500);
  await rejects(long, { code: "no_capacity" });
  await bench.pass(1e9);
  bench.give("n1");
  equal((await patient).taken.node, "n1");
});

Deno.test("who may not wait at all gets a free slot, or is refused without delay", async () => {
  using bench = new Bench();
  const { taken } = await bench.acquire("m", { maxWaitMs: 0 });
  const refused = bench.acquire("m", { maxWaitMs: 0 });
  await bench.pass(0);
  await rejects(refused, { code: "no_capacity" });
  taken.release();
});

Deno.test("a slot that is free when the time is over is taken, though nobody told of it", async () => {
  using bench = new Bench({ n1: 0 });
  const waiting = bench.acquire("m");
  bench.free.set("n1", 1);
  await bench.pass(10_000);
  equal((await waiting).taken.node, "n1");
});

Deno.test("as many wait as the room holds; who finds a slot needs no room", async () => {
  using bench = new Bench({ n1: 0, n2: 1 }, 2);
  const first = bench.acquire("m", { nodes: ["n1"] });
  bench.room.enter(); // somebody waits for a coordinator
  await rejects(bench.acquire("m", { nodes: ["n1"] }), (error: GatewayError) => {
    deepEqual([error.code, error.retryAfterSeconds], ["rate_limited", 1]);
    match(error.message, /^Cannot queue a request for "m": 2 requests wait already/);
    return true;
  });
  equal((await bench.acquire("other", { nodes: ["n2"] })).taken.node, "n2");
  bench.give("n1");
  await first;
  equal(bench.room.count, 1);
});

Deno.test("however much work waits in the background, it keeps nobody else out", async () => {
  using bench = new Bench({ n1: 0 }, 2);
  const batch = [bench.acquire("m", { priority: -1_000 }), bench.acquire("m", { priority: -1_000 })];
  await rejects(bench.acquire("m", { priority: -1_000 }), (error: GatewayError) => {
    match(error.message, /: 2 requests wait in the background already,/);
    return error.code === "rate_limited";
  });
  const people = [bench.acquire("m", { priority: 10 }), bench.acquire("m", { priority: 0 })];
  await rejects(bench.acquire("m"), { code: "rate_limited" });
  for (const waiting of [...people, ...batch]) {
    bench.give("n1");
    await waiting;
  }
  equal(bench.room.count, 0);
});

Deno.test("a closed line refuses all, and hears of no changes", async () => {
  using bench = new Bench({ n1: 0 });
  const waiting = bench.acquire("m");
  bench.line.close();
  await rejects(waiting, { code: "shutting_down" });
  bench.free.set("n1", 1);
  await rejects(bench.acquire("m"), { code: "shutting_down" });
  bench.line.close();
  deepEqual([bench.free.get("n1"), bench.listeners.size, bench.room.count], [1, 0, 0]);
});

/** What happens to a line of 3 models and 3 nodes, of which each model is held by two. */
type Step =
  | {
    readonly kind: "acquire";
    readonly model: number;
    readonly priority: number;
    readonly maxWaitMs: number;
  }
  | { readonly kind: "leave" | "release"; readonly at: number }
  | { readonly kind: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("acquire" as const),
      model: fc.nat(2),
      priority: fc.integer({ min: -2, max: 10 }),
      maxWaitMs: fc.integer({ min: 1, max: 30_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("leave" as const, "release" as const), at: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 9_000 }) }),
  },
);

Deno.test("whatever happens, no slot is free that somebody waits for, none is given twice, and each request ends once", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    using bench = new Bench({ n0: 1, n1: 1, n2: 1 }, 8);
    const holders = [["n0", "n1"], ["n1", "n2"], ["n2", "n0"]];
    const clients: AbortController[] = [];
    const held: Slot[] = [];
    const outcomes = new Map<number, string>();
    for (const step of steps) {
      if (step.kind === "pass") await bench.pass(step.ms);
      if (step.kind === "release") held.splice(step.at, 1)[0]?.release();
      if (step.kind === "leave") clients[step.at]?.abort(new Error("left"));
      if (step.kind === "acquire") {
        const client = new AbortController();
        const index = clients.push(client) - 1;
        const { model, priority, maxWaitMs } = step;
        const told = { nodes: holders[model]!, priority, maxWaitMs, signal: client.signal };
        void bench.acquire(String(model), told).then(({ taken }) => {
          strictEqual(outcomes.get(index), undefined);
          outcomes.set(index, "served");
          held.push(taken);
        }, (error) => {
          strictEqual(outcomes.get(index), undefined);
          outcomes.set(index, error instanceof GatewayError ? error.code : error.message);
        });
      }
      await settle();
      ok([...bench.free.values()].every((count) => count === 0 || count === 1));
      holders.forEach((nodes, model) => {
        const isFree = nodes.some((node) => bench.free.get(node)! > 0);
        ok(!isFree || bench.line.countOf(String(model)) === 0, `model ${model} waits though a slot is free`);
      });
      equal(bench.room.count, clients.length - outcomes.size);
    }
    bench.line.close();
    await settle();
    equal(outcomes.size, clients.length);
    deepEqual([...outcomes.values()].filter((outcome) => !ENDS.has(outcome)), []);
  }));
});

const ENDS = new Set(["served", "left", "no_capacity", "rate_limited", "shutting_down"]);

function slot(node: string): Slot {
  return { node, release() {} };
}
