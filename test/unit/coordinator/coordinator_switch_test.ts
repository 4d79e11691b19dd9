import { deepEqual, equal, rejects } from "node:assert/strict";
import { CoordinatorSwitch } from "../../../lib/coordinator/coordinator_switch.ts";
import type { Switchable, Wanted } from "../../../lib/coordinator/switchable.ts";
import { silentLogger } from "../../../lib/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

class FakeCoordinator implements Switchable {
  readonly #gone = new AbortController();
  readonly #leaving = new AbortController();
  stopCount = 0;
  constructor(readonly key: string) {}
  get dead(): AbortSignal {
    return this.#gone.signal;
  }
  get gone(): AbortSignal {
    return this.#gone.signal;
  }
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }
  leave(): void {
    this.#leaving.abort(new Error("its backend leaves"));
  }
  die(why: string): void {
    this.#gone.abort(new Error(why));
  }
  stop(): Promise<void> {
    this.stopCount++;
    this.#gone.abort(new Error("stopped"));
    return Promise.resolve();
  }
}

/** A switch whose loads finish when the test says so. */
class Bench {
  readonly clock = new FakeClock();
  readonly switch = new CoordinatorSwitch<FakeCoordinator>({ logger: silentLogger, clock: this.clock });
  readonly started: string[] = [];
  readonly running: FakeCoordinator[] = [];
  #loads: { key: string; load: PromiseWithResolvers<FakeCoordinator>; signal: AbortSignal }[] = [];

  wanted(key: string): Wanted<FakeCoordinator> {
    return {
      key,
      start: (signal) => {
        this.started.push(key);
        const load = Promise.withResolvers<FakeCoordinator>();
        signal.addEventListener("abort", () => load.reject(signal.reason), { once: true });
        this.#loads.push({ key, load, signal });
        return load.promise;
      },
    };
  }

  acquire(key: string, signal: AbortSignal = new AbortController().signal) {
    return this.switch.acquire(this.wanted(key), { signal });
  }

  async finishLoad(): Promise<FakeCoordinator> {
    const { key, load } = this.#loads.shift()!;
    const coordinator = new FakeCoordinator(key);
    this.running.push(coordinator);
    load.resolve(coordinator);
    await settle();
    return coordinator;
  }

  async failLoad(why: string): Promise<void> {
    this.#loads.shift()!.load.reject(new Error(why));
    await settle();
  }
}

/** Lets all promise reactions run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("a hundred requests during a load share one load", async () => {
  const bench = new Bench();
  const leases = Array.from({ length: 100 }, () => bench.acquire("a"));
  bench.clock.advance(700);
  await bench.finishLoad();
  const [first, ...rest] = await Promise.all(leases);
  deepEqual(bench.started, ["a"]);
  deepEqual([first!.loadMs, first!.queueMs], [700, 0]);
  equal(rest.length, 99);
  await bench.switch.close();
});

Deno.test("a ready coordinator is given at once and costs no waiting", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  await bench.finishLoad();
  await first;
  const lease = await bench.acquire("a");
  deepEqual([lease.loadMs, lease.queueMs, bench.started], [0, 0, ["a"]]);
  await bench.switch.close();
});

Deno.test("another model waits for work in flight, then swaps", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  const a = await bench.finishLoad();
  const lease = await first;
  const second = bench.acquire("b");
  await settle();
  equal(a.stopCount, 0, "a coordinator with work in flight was stopped");
  bench.clock.advance(500);
  lease[Symbol.dispose]();
  await settle();
  equal(a.stopCount, 1);
  bench.clock.advance(300);
  await bench.finishLoad();
  const { queueMs, loadMs, coordinator } = await second;
  deepEqual([coordinator.key, queueMs, loadMs], ["b", 500, 300]);
  await bench.switch.close();
});

Deno.test("requests for the loaded model overtake a stranger only as long as its patience lasts", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  await bench.finishLoad();
  const lease = await first;
  const stranger = bench.acquire("b");
  const overtaking = await bench.acquire("a");
  bench.clock.advance(2_001);
  const late = bench.acquire("a");
  lease[Symbol.dispose]();
  overtaking[Symbol.dispose]();
  await settle();
  await bench.finishLoad();
  const served = await stranger;
  equal(served.coordinator.key, "b");
  served[Symbol.dispose]();
  await settle();
  await bench.finishLoad();
  equal((await late).coordinator.key, "a");
  deepEqual(bench.started, ["a", "b", "a"]);
  await bench.switch.close();
});

Deno.test("a lease given back twice counts once", async () => {
  const bench = new Bench();
  const acquired = [bench.acquire("a"), bench.acquire("a")];
  await bench.finishLoad();
  const [one, two] = await Promise.all(acquired);
  one![Symbol.dispose]();
  one![Symbol.dispose]();
  equal(bench.switch.view.inFlightCount, 1);
  two![Symbol.dispose]();
  equal(bench.switch.view.inFlightCount, 0);
  await bench.switch.close();
});

Deno.test("a client that leaves while its model loads is let go at once, and the load goes on", async () => {
  const bench = new Bench();
  const client = new AbortController();
  const acquired = bench.acquire("a", client.signal);
  client.abort(new Error("left"));
  await rejects(acquired, /left/);
  equal(bench.switch.view.state, "starting");
  await bench.finishLoad();
  equal(bench.switch.view.state, "ready");
  equal((await bench.acquire("a")).loadMs, 0);
  await bench.switch.close();
});

Deno.test("a failed load refuses exactly those who wanted it, and the next request tries again", async () => {
  const bench = new Bench();
  const a = [bench.acquire("a"), bench.acquire("a")];
  const b = bench.acquire("b");
  const refused = Promise.all(a.map((lease) => rejects(lease, /out of memory/)));
  await bench.failLoad("out of memory");
  await refused;
  deepEqual(bench.started, ["a", "b"]);
  await bench.finishLoad();
  const lease = await b;
  equal(lease.coordinator.key, "b");
  lease[Symbol.dispose]();
  const again = bench.acquire("a");
  await settle();
  await bench.finishLoad();
  equal((await again).coordinator.key, "a");
  await bench.switch.close();
});

Deno.test("a coordinator that dies is cleared away and replaced by the next request, stale leases notwithstanding", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  const coordinator = await bench.finishLoad();
  const stale = await first;
  coordinator.die("rpc backend 127.0.0.4:50052 was lost");
  await settle();
  deepEqual([bench.switch.view.state, coordinator.stopCount], ["stopped", 1]);
  equal(bench.switch.view.lastFailure, "rpc backend 127.0.0.4:50052 was lost");
  const second = bench.acquire("a");
  await bench.finishLoad();
  const lease = await second;
  stale[Symbol.dispose]();
  equal(
    bench.switch.view.inFlightCount,
    1,
    "a lease of the dead generation was counted against the living one",
  );
  lease[Symbol.dispose]();
  await bench.switch.close();
});

Deno.test("a coordinator that is dead by the time it is ready refuses its waiters instead of starting for ever", async () => {
  const bench = new Bench();
  let startCount = 0;
  const start = () => {
    startCount++;
    const coordinator = new FakeCoordinator("a");
    coordinator.die("it crashed");
    return Promise.resolve(coordinator);
  };
  const acquired = bench.switch.acquire({ key: "a", start }, { signal: new AbortController().signal });
  await rejects(acquired, { code: "upstream_failed", message: /as soon as it was ready: it crashed/ });
  await settle();
  deepEqual([startCount, bench.switch.view.state], [1, "stopped"]);
  await bench.switch.close();
});

Deno.test("a request waits for others' work only so long, and for its own load as long as that takes", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  bench.clock.advance(600_000);
  await settle();
  await bench.finishLoad();
  await first;
  const refused = rejects(bench.acquire("b"), { code: "no_capacity", message: /Waited 10 min/ });
  bench.clock.advance(600_000);
  await refused;
  equal(bench.switch.view.waitingCount, 0);
  await bench.switch.close();
});

Deno.test("closing refuses who waits, ends the load under way, and lets nobody in any more", async () => {
  const bench = new Bench();
  const waiting = rejects(bench.acquire("a"), { code: "shutting_down" });
  await bench.switch.close();
  await waiting;
  await rejects(bench.acquire("a"), { code: "shutting_down" });
  equal(bench.switch.view.state, "failed");
});

Deno.test("closing stops the coordinator", async () => {
  const bench = new Bench();
  const acquired = bench.acquire("a");
  const coordinator = await bench.finishLoad();
  await acquired;
  await bench.switch.close();
  deepEqual([coordinator.stopCount, bench.switch.view.state], [1, "stopped"]);
});

Deno.test("a coordinator that is leaving ends with its last request, and the next one gets another", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  const old = await bench.finishLoad();
  const lease = await first;
  old.leave();
  const late = bench.acquire("a");
  await settle();
  deepEqual([old.stopCount, bench.started], [0, ["a"]]);
  lease[Symbol.dispose]();
  await settle();
  deepEqual([old.stopCount, bench.started], [1, ["a", "a"]]);
  const next = await bench.finishLoad();
  equal((await late).coordinator, next);
});

Deno.test("a coordinator that is leaving while it is idle ends at once", async () => {
  const bench = new Bench();
  const first = bench.acquire("a");
  const old = await bench.finishLoad();
  (await first)[Symbol.dispose]();
  old.leave();
  await settle();
  deepEqual([old.stopCount, bench.switch.view.state], [1, "stopped"]);
});
