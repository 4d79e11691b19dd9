import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { GatewayError } from "../../../lib/errors.ts";
import type { CoordinatorLease } from "../../../lib/pool/pooled.ts";
import { Bench, type FakeCoordinator, SETTINGS, settle } from "./pool_bed.ts";

const MODELS = {
  a: { backendCount: 1, slotCount: 1 },
  b: { backendCount: 1, slotCount: 2 },
  c: { backendCount: 2, slotCount: 3 },
  d: { backendCount: 3, slotCount: 2 },
};
const KEYS = Object.keys(MODELS);
const MAX_COORDINATORS = 2;

/** What can happen; `pick` chooses among what there is. */
const STEPS = [
  "ask",
  "ask",
  "ask",
  "leave",
  "give back",
  "give back",
  "load is ready",
  "load is ready",
  "load fails",
  "dies",
  "leaves",
  "time passes",
  "time passes",
  "unload",
  "restart",
  "load",
  "backend goes",
  "backend comes",
  "settings change",
] as const;
type Step = readonly [step: typeof STEPS[number], pick: number];

/** A pool in a random world, and what must always hold there. */
class World extends Bench {
  readonly leases = new Set<CoordinatorLease<FakeCoordinator>>();
  readonly clients = new Set<AbortController>();
  openCount = 0;
  #preparedCount = 0;

  constructor() {
    super({
      backends: ["b1", "b2", "b3"],
      models: MODELS,
      settings: { maxCoordinators: MAX_COORDINATORS, queueWaitMs: 1e9, idleTtlMs: 60_000, maxQueued: 20 },
      mayRetry: () => true,
    });
    this.preparing = async () => {
      const count = ++this.#preparedCount;
      if (count % 3 === 0) await this.clock.sleep(50);
      if (count % 17 === 0) throw new Error("cannot be read");
    };
  }

  override async finishLoad(key: string): Promise<FakeCoordinator> {
    const coordinator = await super.finishLoad(key);
    if (this.started.length % 2) coordinator.stopping = () => this.clock.sleep(100);
    return coordinator;
  }

  async close(): Promise<void> {
    const closed = this.pool.close();
    await this.pass(1_000);
    await closed;
  }

  async step([step, pick]: Step): Promise<void> {
    const key = of(KEYS, pick)!;
    const [load, lease, coordinator] = [
      of(this.loads, pick),
      of([...this.leases], pick),
      of([...this.running], pick),
    ];
    if (step === "ask") this.ask(key, pick);
    else if (step === "leave") of([...this.clients], pick)?.abort(new Error("left"));
    else if (step === "give back" && lease) this.giveBack(lease);
    else if (step === "load is ready" && load) await this.finishLoad(load.key);
    else if (step === "load fails" && load) await this.failLoad(load.key, new Error("it crashed"));
    else if (step === "dies") coordinator?.die("it crashed");
    else if (step === "leaves") coordinator?.leave();
    else if (step === "time passes") await this.pass(10 ** (pick % 6));
    else if (step === "unload") this.pool.unload(key);
    else if (step === "restart") this.await(this.pool.restart(key, new AbortController().signal));
    else if (step === "load") this.await(this.load(key));
    else if (step === "backend goes") this.backends.delete(of([...this.backends.keys()], pick) ?? "");
    else if (step === "backend comes") this.comeBack(pick);
    else if (step === "settings change") this.pin(pick % 3 ? undefined : key);
    await settle();
  }

  ask(key: string, pick: number): void {
    const client = new AbortController();
    this.clients.add(client);
    const priority = pick % 11;
    const keepAliveMs = [undefined, 0, 1_000, Infinity][pick % 4];
    this.await(
      this.acquire(key, { signal: client.signal, priority, keepAliveMs }).then((lease) => {
        if (client.signal.aborted) lease[Symbol.dispose]();
        else this.leases.add(lease);
      }).finally(() => this.clients.delete(client)),
    );
  }

  /** Counts it as open until it has an outcome. */
  await(promise: Promise<unknown>): void {
    this.openCount++;
    const settled = () => void this.openCount--;
    promise.then(settled, settled);
  }

  giveBack(lease: CoordinatorLease<FakeCoordinator>): void {
    this.leases.delete(lease);
    lease[Symbol.dispose]();
  }

  comeBack(pick: number): void {
    const endpoint = of(["b1", "b2", "b3"].filter((name) => !this.backends.has(name)), pick);
    const isHeld = [...this.running, ...this.loads].some(({ endpoints }) =>
      endpoints.includes(endpoint ?? "")
    );
    if (endpoint && !isHeld) this.backends.set(endpoint, undefined);
  }

  pin(key: string | undefined): void {
    this.pool.apply({
      ...SETTINGS,
      maxCoordinators: MAX_COORDINATORS,
      queueWaitMs: 1e9,
      idleTtlMs: 60_000,
      maxQueued: 20,
      pinnedKeys: new Set(key === undefined ? [] : [key]),
    });
  }

  check(): void {
    const alive = [...this.running].filter(({ isAlive }) => isAlive);
    for (const coordinator of alive) {
      const count = [...this.leases].filter((lease) => lease.coordinator === coordinator).length;
      ok(count <= coordinator.slotCount, `${count} leases on ${coordinator.slotCount} slots`);
    }
    const keys = [...this.running, ...this.loads].map(({ key }) => key);
    equal(new Set(keys).size, keys.length, `one model twice: ${keys}`);
    const endpoints = [...this.running, ...this.loads].flatMap((each) => each.endpoints);
    equal(new Set(endpoints).size, endpoints.length, `one backend twice: ${endpoints}`);
    ok(keys.length <= MAX_COORDINATORS, `${keys.length} coordinators`);
    const waitingCount = this.pool.views().reduce((sum, view) => sum + view.waitingCount, 0);
    ok(waitingCount <= 20, `${waitingCount} wait`);
    for (const view of this.pool.views()) {
      ok(view.because.length > 0);
      equal(view.state === "starting", view.phase !== undefined);
      if (view.slotCount !== undefined) ok(view.inFlightCount <= view.slotCount);
    }
  }

  /** From here on the world is kind: every request has to be answered. */
  async becomeKind(): Promise<void> {
    this.pin(undefined);
    for (let pick = 0; pick < 3; pick++) this.comeBack(0);
    for (let round = 0; round < 300 && this.openCount > 0; round++) {
      for (const lease of [...this.leases]) this.giveBack(lease);
      for (const { key } of [...this.loads]) await this.finishLoad(key);
      for (let pick = 0; pick < 3; pick++) this.comeBack(0);
      await this.pass(1_000);
      this.check();
    }
  }
}

Deno.test("whatever happens, slots and backends are never overbooked, and every request is answered", async () => {
  const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(1_000));
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 20, maxLength: 120, size: "max" }),
    async (steps) => {
      const world = new World();
      for (const each of steps) {
        await world.step(each);
        world.check();
      }
      await world.becomeKind();
      const waiting = world.pool.views().filter(({ waitingCount }) => waitingCount > 0);
      deepEqual(waiting.map(({ model, because }) => `${model} ${because}`), [], "somebody starves");
      equal(world.openCount, 0);
      await world.close();
      deepEqual([world.running.size, world.loads.length], [0, 0]);
      deepEqual([...world.backends.values()].filter(Boolean), []);
      ok(world.pool.views().every(({ state }) => state === "stopped" || state === "failed"));
    },
  );
  await fc.assert(property, { seed: 1, numRuns: 150 });
});

Deno.test("whenever it is closed, nothing is left", async () => {
  const step = fc.tuple(fc.constantFrom(...STEPS), fc.nat(1_000));
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
    const world = new World();
    for (const each of steps) await world.step(each);
    await world.close();
    await settle();
    equal(world.openCount, 0);
    deepEqual([world.running.size, world.loads.length], [0, 0]);
    await world.pass(1e9);
    deepEqual([world.running.size, world.loads.length], [0, 0]);
    await world.pool.acquire(world.wanted("a"), { signal: new AbortController().signal }).then(
      () => ok(false),
      (error) => equal((error as GatewayError).code, "shutting_down"),
    );
  });
  await fc.assert(property, { seed: 2, numRuns: 100 });
});

function of<T>(items: readonly T[], pick: number): T | undefined {
  return items[pick % Math.max(1, items.length)];
}
