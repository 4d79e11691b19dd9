import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { silentLogger } from "../../../lib/log.ts";
import type { KnownNode, NodeLease, NodePool } from "../../../lib/nodes/node.ts";
import { NodeLine } from "../../../lib/nodes/node_line.ts";
import { Waker } from "../../../lib/nodes/waker.ts";
import { WaitingRoom } from "../../../lib/queue/waiting_room.ts";
import type { Decision } from "../../../lib/router/decision.ts";
import { NodeSlots, type SlotSearch } from "../../../lib/router/node_slots.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";

const NODE = knownNode("a");
const TO_NODE: Decision & { to: "node" } = { to: "node", node: NODE, because: "it is loaded there" };
const TO_LINE: Decision & { to: "line" } = { to: "line", nodes: [NODE], because: "it waits" };
const NOWHERE: Decision = {
  to: "nowhere",
  code: "no_capacity",
  because: "all is gone",
  unlessStored: undefined,
};

/** One node with so many free slots. */
class FakePool implements NodePool {
  readonly nodes = [NODE];
  readonly unaskedNodes = [];
  readonly #listeners = new Set<() => void>();

  constructor(public freeCount: number) {}

  holdersOf(): readonly KnownNode[] {
    return this.nodes;
  }

  lease(node: KnownNode): NodeLease | undefined {
    if (this.freeCount === 0) return undefined;
    this.freeCount--;
    return {
      node,
      modelName: "m:latest",
      lost: new AbortController().signal,
      [Symbol.dispose]: () => this.free(),
    } as NodeLease;
  }

  free(): void {
    this.freeCount++;
    this.changes();
  }

  changes(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

/** Slots of one node; `decision` is what it is to be decided from now on. */
class Bed implements Disposable {
  readonly clock = new FakeClock();
  readonly pool: FakePool;
  readonly slots: NodeSlots;
  readonly waits: string[] = [];
  decision: Decision = TO_NODE;
  readonly #owned = new DisposableStack();

  constructor(freeCount: number) {
    const { config } = mergeConfig({});
    this.pool = new FakePool(freeCount);
    const room = new WaitingRoom(() => 100);
    const settings = () => ({ queueWaitMs: 10_000 });
    const line = this.#owned.use(new NodeLine({ pool: this.pool, room, clock: this.clock, settings }));
    const waker = this.#owned.use(new Waker({ clock: this.clock, logger: silentLogger }));
    this.slots = new NodeSlots({ config, nodes: this.pool, line, waker });
  }

  acquire(decision: typeof TO_NODE | typeof TO_LINE, search: Partial<SlotSearch> = {}) {
    const onWait = (describe: () => string) => void this.waits.push(describe());
    const demand = { signal: new AbortController().signal, onWait, ...search.demand };
    const asked = { model: "m", key: "m:latest", tried: new Set<string>(), ...search, demand };
    return this.slots.acquire(decision, asked, () => this.decision);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

Deno.test("a free slot is taken at once, for the reason that was decided for", async () => {
  using bed = new Bed(1);
  const route = (await bed.acquire(TO_NODE))!;
  deepEqual([route.upstream, route.modelName, route.because, route.queueMs], [
    "a",
    "m:latest",
    TO_NODE.because,
    0,
  ]);
  deepEqual([bed.pool.freeCount, bed.waits], [0, []]);
});

Deno.test("a slot that somebody else took meanwhile is waited for", async () => {
  using bed = new Bed(0);
  const asked = bed.acquire(TO_NODE);
  bed.clock.advance(700);
  bed.pool.free();
  equal((await asked)!.queueMs, 700);
  match(bed.waits[0]!, /"m"/);
});

Deno.test("nobody overtakes those who wait for the same, though a slot is free", async () => {
  using bed = new Bed(0);
  bed.decision = TO_LINE;
  const order: string[] = [];
  const first = bed.acquire(TO_LINE).then((route) => (order.push("first"), route));
  bed.pool.freeCount = 2; // which nobody was told of yet
  const second = bed.acquire(TO_NODE).then((route) => (order.push("second"), route));
  bed.decision = TO_NODE;
  bed.pool.changes();
  await Promise.all([first, second]);
  deepEqual(order, ["first", "second"]);
});

Deno.test("who wants another node, or has failed at one, waits in a line of its own", async () => {
  using bed = new Bed(0);
  bed.decision = TO_LINE;
  void bed.acquire(TO_LINE);
  bed.pool.freeCount = 1;
  const route = await bed.acquire(TO_NODE, { tried: new Set(["b"]) });
  equal(route!.queueMs, 0);
  using _ = route;
  bed.decision = TO_NODE;
});

Deno.test("where waiting is of no use any more it is decided anew", async () => {
  using bed = new Bed(0);
  bed.decision = TO_LINE;
  const asked = bed.acquire(TO_LINE);
  bed.decision = NOWHERE;
  bed.pool.changes();
  equal(await asked, undefined);
});

Deno.test("who has left waits no more, and takes no slot", async () => {
  using bed = new Bed(0);
  bed.decision = TO_LINE;
  const left = new AbortController();
  const asked = bed.acquire(TO_LINE, { demand: { signal: left.signal } });
  left.abort(new Error("left"));
  await rejects(asked, /left/);
  bed.decision = TO_NODE;
  bed.pool.free();
  equal(bed.pool.freeCount, 1);
});

Deno.test("who answers a conversation is remembered, and who waits too long is told for what", async () => {
  using bed = new Bed(1);
  const signal = new AbortController().signal;
  await bed.acquire(TO_NODE, { demand: { signal, turns: ["t1", "t2"] } });
  equal(bed.slots.affinity.find("m:latest", ["t1", "t2", "t3"]), "a");
  bed.decision = TO_LINE;
  const asked = bed.acquire(TO_LINE, { demand: { signal, maxWaitMs: 50 } });
  asked.catch(() => {});
  bed.clock.advance(50);
  await rejects(asked, /waits for a slot of a/);
});
