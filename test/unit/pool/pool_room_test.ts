import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { Bench, isSettled, SETTINGS, settle } from "./pool_bed.ts";

/** Two coordinators that need the only rpc backend. */
const RIVALS = { models: { a: { slotCount: 1 } } };

Deno.test("an idle coordinator is stopped at once for another model", async () => {
  await using bench = new Bench(RIVALS);
  const a = await bench.idle("a");
  await bench.pass(90_000);
  const b = await bench.ready("b");
  deepEqual([a.stopCount, b.coordinator.key, bench.state("a")], [1, "b", "stopped"]);
  const evicted = bench.events.find((event) => event.type === "evicted")!;
  deepEqual([evicted.id, evicted.model, evicted.forModel], ["c1", "a", "b"]);
  match(evicted.because, /unused for 1 min 30 s/);
  equal(bench.view("a").because, `makes room for "b": ${evicted.because}`);
});

Deno.test("a model is prepared afresh before it takes the place that others left", async () => {
  await using bench = new Bench(RIVALS);
  await bench.idle("a");
  await bench.ready("b");
  deepEqual(bench.prepared, ["a", "b", "b"]);
});

Deno.test("of idle coordinators the cheapest is stopped, and no more than are needed", async () => {
  await using bench = new Bench({ backends: ["b1", "b2", "b3"] });
  for (const key of ["a", "b", "c"]) {
    await bench.idle(key);
    await bench.pass(60_000);
  }
  const b = bench.acquire("b");
  (await b)[Symbol.dispose](); // "a" is the one that was used least recently
  await bench.ready("d");
  const states = ["a", "b", "c", "d"].map((key) => bench.state(key));
  deepEqual(states, ["stopped", "ready", "ready", "ready"]);
});

Deno.test("a coordinator in use is left alone until who waits for its place has waited long enough", async (t) => {
  await t.step(
    "so long its requests overtake; then it takes nothing new, ends its work, and goes",
    async () => {
      await using bench = new Bench();
      const first = await bench.ready("a");
      await bench.pass(60_000); // long enough since it was loaded
      const stranger = bench.acquire("b");
      await bench.pass(4_999);
      const overtaking = await bench.acquire("a");
      await bench.pass(1);
      deepEqual([bench.state("a"), bench.state("b")], ["draining", "waiting for room"]);
      equal(bench.view("b").because, 'waits for 2 requests of "a" to end, which holds b1');
      equal(bench.view("a").because, 'takes nothing new: makes room for "b"; waits for 2 requests');
      const late = bench.acquire("a");
      first[Symbol.dispose]();
      await settle();
      equal(first.coordinator.stopCount, 0);
      overtaking[Symbol.dispose]();
      await settle();
      await bench.finishLoad("b");
      const b = await stranger;
      deepEqual([bench.started, await isSettled(late)], [["a", "b"], false]);
      b[Symbol.dispose](); // "a" is wanted, and "b" is idle: it goes at once
      await settle();
      await bench.finishLoad("a");
      equal((await late).coordinator.key, "a");
    },
  );
  await t.step("at least as long as its own load took", async () => {
    await using bench = new Bench();
    const acquired = bench.acquire("a");
    await settle();
    await bench.pass(30_000);
    await bench.finishLoad("a");
    await acquired;
    await bench.pass(100_000);
    bench.acquire("b");
    await bench.pass(29_999);
    equal(bench.state("a"), "ready");
    await bench.pass(1);
    equal(bench.state("a"), "draining");
  });
  await t.step("and it has served for as long itself, however long the other waits already", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 }, b: { slotCount: 1 } } });
    const a = await bench.ready("a");
    await bench.pass(60_000);
    bench.acquire("b");
    const another = bench.acquire("a");
    await bench.pass(5_000);
    a[Symbol.dispose](); // it goes, though a request for it waits
    await settle();
    await bench.pass(20_000);
    await bench.finishLoad("b"); // took 20 s
    deepEqual([bench.state("b"), bench.view("a").waitingCount], ["ready", 1]);
    await bench.pass(19_999);
    equal(bench.state("b"), "ready");
    await bench.pass(1);
    equal(bench.state("b"), "draining");
    equal(await isSettled(another), false);
  });
  await t.step("if the one that waits has left meanwhile, it serves on", async () => {
    await using bench = new Bench(RIVALS);
    const lease = await bench.ready("a");
    const client = new AbortController();
    bench.acquire("b", { signal: client.signal });
    await bench.pass(5_000);
    const waiting = bench.acquire("a");
    equal(bench.state("a"), "draining");
    client.abort(new Error("left"));
    await settle();
    deepEqual([bench.state("a"), bench.state("b")], ["ready", "stopped"]);
    lease[Symbol.dispose]();
    equal((await waiting).coordinator, lease.coordinator);
  });
  await t.step("but if it falls idle before, it goes then", async () => {
    await using bench = new Bench(RIVALS);
    const lease = await bench.ready("a");
    const waiting = bench.acquire("b");
    await settle();
    await bench.pass(100);
    lease[Symbol.dispose]();
    await settle();
    await bench.finishLoad("b");
    equal((await waiting).queueMs, 100);
  });
});

Deno.test("two models that alternate on one place swap at most once per patience, and all are served", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 4 }, b: { slotCount: 4 } } });
  let servedCount = 0;
  let isOver = false;
  const client = async (key: string) => {
    while (!isOver) {
      const lease = await bench.acquire(key);
      await bench.clock.sleep(400);
      lease[Symbol.dispose]();
      servedCount++;
    }
  };
  const clients = Array.from({ length: 32 }, (_, i) => client(i % 2 ? "a" : "b"));
  for (let ms = 0; ms < 60_000; ms += 100) {
    await bench.pass(100);
    for (const { key } of [...bench.loads]) await bench.finishLoad(key);
  }
  isOver = true;
  for (let i = 0; i < 200; i++) {
    await bench.pass(1_000);
    for (const { key } of [...bench.loads]) await bench.finishLoad(key);
  }
  await Promise.all(clients);
  const swapCount = bench.started.length;
  equal(swapCount >= 10 && swapCount <= 14, true, `${swapCount} swaps in 60 s with a patience of 5 s`);
  equal(servedCount > 500, true, `${servedCount} served`);
});

Deno.test("one that was just loaded stays for its minimum residency, even if it is idle", async () => {
  await using bench = new Bench({ settings: { minResidencyMs: 30_000 } });
  await bench.idle("a");
  const waiting = bench.acquire("b");
  await settle();
  equal(bench.view("b").because, 'waits for "a", which holds b1 and stays for up to 30.0 s more');
  await bench.pass(29_999);
  equal(bench.state("a"), "ready");
  await bench.pass(1);
  await bench.finishLoad("b");
  equal((await waiting).coordinator.key, "b");
});

Deno.test("who waits for a model that loads gets room when that is ready and idle", async () => {
  await using bench = new Bench();
  const client = new AbortController();
  bench.acquire("a", { signal: client.signal });
  await settle();
  const waiting = bench.acquire("b");
  await settle();
  equal(bench.view("b").because, 'waits for "a" to be loaded, which holds b1');
  client.abort(new Error("left"));
  await bench.finishLoad("a");
  await bench.finishLoad("b");
  equal((await waiting).coordinator.key, "b");
});

Deno.test("a model that fits nowhere is refused, and costs nobody its place", async (t) => {
  await t.step("for want of rpc backends", async () => {
    await using bench = new Bench({ models: { big: { backendCount: 9 } } });
    const a = await bench.idle("a");
    await rejects(bench.acquire("big"), { code: "insufficient_memory" });
    deepEqual([a.stopCount, bench.state("big")], [0, "failed"]);
  });
  await t.step("also where there are too many coordinators already", async () => {
    await using bench = new Bench({ settings: { maxCoordinators: 1 }, models: { big: { backendCount: 9 } } });
    const a = await bench.idle("a");
    await rejects(bench.acquire("big"), { code: "insufficient_memory" });
    equal(a.stopCount, 0);
  });
});

Deno.test("pinned coordinators are never stopped for others", async (t) => {
  const pinnedKeys = new Set(["a"]);
  await t.step("where only they could make room, the request is refused by their names", async () => {
    await using bench = new Bench({ settings: { pinnedKeys } });
    await bench.idle("a");
    await rejects(bench.acquire("b"), {
      code: "no_capacity",
      message:
        `Cannot load "b": what would make room for it is held by "a", which is pinned; unload it, change ` +
        "pool.pinned, or add rpc backends",
    });
    equal(bench.state("a"), "ready");
  });
  await t.step("nor where there are too many of them", async () => {
    await using bench = new Bench({
      settings: { maxCoordinators: 1, pinnedKeys },
      backends: ["b1", "b2"],
    });
    await bench.idle("a");
    await rejects(bench.acquire("b"), { code: "no_capacity", message: /"a", which is pinned/ });
  });
  await t.step("others are stopped instead", async () => {
    await using bench = new Bench({ settings: { pinnedKeys }, backends: ["b1", "b2"] });
    await bench.idle("a");
    await bench.pass(1_000_000);
    await bench.idle("b");
    await bench.ready("c");
    deepEqual([bench.state("a"), bench.state("b")], ["ready", "stopped"]);
  });
});

Deno.test("no more coordinators run than the settings allow, whatever is free", async () => {
  await using bench = new Bench({ settings: { maxCoordinators: 2 }, backends: ["b1", "b2", "b3", "b4"] });
  await bench.idle("a");
  await bench.pass(1_000);
  await bench.idle("b");
  const c = bench.acquire("c");
  await settle();
  await bench.finishLoad("c");
  (await c)[Symbol.dispose]();
  deepEqual(["a", "b", "c"].map((key) => bench.state(key)), ["stopped", "ready", "ready"]);
  bench.pool.apply({ ...SETTINGS, maxCoordinators: 1 });
  await bench.ready("d"); // both others have to go
  deepEqual(["b", "c", "d"].map((key) => bench.state(key)), ["stopped", "stopped", "ready"]);
});

Deno.test("a small model that fits now does not take what a big one in front of it waits for", async () => {
  await using bench = new Bench({ backends: ["b1", "b2", "b3"], models: { big: { backendCount: 3 } } });
  const a = await bench.ready("a");
  const big = bench.acquire("big");
  await settle();
  const small = bench.acquire("small");
  await settle();
  deepEqual([bench.started, bench.view("small").because], [
    ["a"],
    'waits behind "big", which needs what is free now',
  ]);
  a[Symbol.dispose]();
  await settle();
  await bench.finishLoad("big");
  (await big)[Symbol.dispose]();
  await settle();
  await bench.finishLoad("small");
  await small;
});

Deno.test("a small model passes one in front of it that waits for something else", async () => {
  await using bench = new Bench({
    backends: ["b1", "b2", "b3"],
    models: { a: { backendCount: 2 }, big: { backendCount: 2 } },
  });
  await bench.ready("a"); // holds b1 and b2
  bench.acquire("big"); // waits for these: with b3 alone it cannot do
  await settle();
  const small = bench.acquire("small");
  await settle();
  await bench.finishLoad("small");
  equal((await small).coordinator.endpoints[0], "b3");
  deepEqual([bench.state("big"), bench.state("a")], ["waiting for room", "ready"]);
});

Deno.test("all who have to go for a model go together, when the last of them may", async () => {
  await using bench = new Bench({ backends: ["b1", "b2"], models: { big: { backendCount: 2 } } });
  const a = await bench.ready("a");
  const b = await bench.idle("b");
  const big = bench.acquire("big");
  await bench.pass(4_999);
  equal(b.stopCount, 0);
  (await bench.acquire("b"))[Symbol.dispose](); // it still serves
  await bench.pass(1);
  deepEqual([bench.state("a"), bench.state("b"), b.stopCount], ["draining", "draining", 0]);
  equal(bench.view("a").because, 'takes nothing new: makes room for "big"; waits for 1 request');
  equal(
    bench.view("b").because,
    'takes nothing new: makes room for "big"; waits for 1 request of "a": they go together',
  );
  a[Symbol.dispose]();
  await settle();
  deepEqual([a.coordinator.stopCount, b.stopCount], [1, 1]);
  await bench.finishLoad("big");
  await big;
});

Deno.test("what was cleared for one model is not taken by another, though that ranks better", async () => {
  await using bench = new Bench(RIVALS);
  const a = await bench.ready("a");
  await bench.pass(60_000);
  const older = bench.acquire("a", { priority: 10 });
  const b = bench.acquire("b", { priority: 0 });
  await bench.pass(5_000);
  a[Symbol.dispose]();
  await settle();
  deepEqual(bench.started, ["a", "b"]);
  await bench.finishLoad("b");
  await b;
  equal(await isSettled(older), false);
});

Deno.test("nor while what was cleared for it is not given back yet", async () => {
  await using bench = new Bench(RIVALS);
  const a = await bench.ready("a");
  a.coordinator.stop = () => Promise.resolve();
  await bench.pass(60_000);
  const older = bench.acquire("a", { priority: 10 });
  const b = bench.acquire("b", { priority: 0 });
  await bench.pass(5_000);
  a[Symbol.dispose]();
  await settle();
  const slow = Promise.withResolvers<void>();
  bench.preparing = (key) => key === "b" ? slow.promise : Promise.resolve();
  bench.free(["b1"]);
  await bench.pass(2_000);
  deepEqual([bench.started, bench.view("a").because], [
    ["a"],
    'waits behind "b", which needs what is free now',
  ]);
  slow.resolve();
  await settle();
  await bench.finishLoad("b");
  await b;
  equal(await isSettled(older), false);
});

Deno.test("who waits for room finds rpc backends that come, without being told", async () => {
  await using bench = new Bench();
  await bench.ready("a");
  const waiting = bench.acquire("b");
  await settle();
  bench.backends.set("b2", undefined);
  await bench.pass(2_000);
  await bench.finishLoad("b");
  deepEqual((await waiting).coordinator.endpoints, ["b2"]);
});

Deno.test("who waits for room is told if it does not fit any more", async () => {
  await using bench = new Bench({ backends: ["b1", "b2"], models: { b: { backendCount: 2 } } });
  await bench.ready("a");
  const refused = rejects(bench.acquire("b"), { code: "insufficient_memory" });
  await settle();
  bench.backends.delete("b2");
  await bench.pass(2_000);
  await refused;
  equal(bench.state("a"), "ready");
});

Deno.test("rpc backends that are given back late are waited for", async () => {
  await using bench = new Bench();
  const a = await bench.idle("a");
  const stop = Promise.withResolvers<void>();
  a.stopping = () => stop.promise;
  const waiting = bench.acquire("b");
  await settle();
  equal(bench.view("b").because, 'waits for "a" to be stopped, which holds b1');
  stop.resolve();
  await settle();
  await bench.finishLoad("b");
  await waiting;
});

Deno.test("one that falls idle goes instead of one that is still left alone", async () => {
  await using bench = new Bench({ settings: { swapWaitMs: 60_000 }, backends: ["b1", "b2"] });
  const [a, b] = [await bench.ready("a"), await bench.ready("b")];
  const c = bench.acquire("c");
  await bench.pass(1_000);
  const [kept, idle] = bench.view("c").because.includes('"a"') ? [a, b] : [b, a];
  idle[Symbol.dispose]();
  await settle();
  await bench.finishLoad("c");
  await c;
  deepEqual([idle.coordinator.stopCount, kept.coordinator.stopCount], [1, 0]);
});

Deno.test("whoever waits in front for one coordinator less is not passed by another", async () => {
  await using bench = new Bench({ settings: { maxCoordinators: 1 }, backends: ["b1", "b2", "b3"] });
  const x = await bench.ready("x");
  const first = bench.acquire("first");
  await settle();
  const slow = Promise.withResolvers<void>();
  bench.preparing = (key) => key === "first" ? slow.promise : Promise.resolve();
  const second = bench.acquire("second");
  await settle();
  x[Symbol.dispose]();
  await settle();
  deepEqual([bench.started, bench.state("second")], [["x"], "waiting for room"]);
  slow.resolve();
  await settle();
  await bench.finishLoad("first");
  (await first)[Symbol.dispose]();
  await settle();
  await bench.finishLoad("second");
  await second;
});

Deno.test("a preparation that takes long is neither repeated nor polled", async () => {
  await using bench = new Bench();
  await bench.ready("a");
  bench.acquire("b");
  await settle();
  bench.preparing = () => new Promise(() => {});
  for (let i = 0; i < 10; i++) await bench.pass(1_000); // the clock refuses to sleep for no time
  deepEqual(bench.prepared, ["a", "b", "b"]);
});

Deno.test("a model says what it waits for", async (t) => {
  const pair = { backends: ["b1", "b2"], models: { big: { backendCount: 2 } } };
  await t.step("from several, each as it is", async () => {
    await using bench = new Bench(pair);
    await bench.ready("a");
    await bench.idle("b");
    bench.acquire("big");
    await bench.pass(1_000);
    equal(
      bench.view("big").because,
      'waits for "b", which holds b2 and stays for up to 4.0 s more, ' +
        'and for 1 request of "a", which holds b1 and takes new ones for up to 4.0 s more',
    );
    await bench.pass(4_000);
    equal(
      bench.view("big").because,
      'waits for "b" to be stopped, which holds b2, and for 1 request of "a" to end, which holds b1',
    );
  });
  await t.step("for who knows how long while another loads", async () => {
    await using bench = new Bench(pair);
    await bench.idle("b");
    bench.acquire("a");
    await settle();
    bench.acquire("big");
    await settle();
    equal(
      bench.view("big").because,
      'waits for "b", which holds b1 and stays meanwhile, and for "a" to be loaded, which holds b2',
    );
  });
  await t.step("while nobody of ours holds it", async () => {
    await using bench = new Bench();
    bench.backends.set("b1", "a coordinator that is just gone");
    bench.acquire("a");
    await settle();
    deepEqual([bench.state("a"), bench.view("a").because], [
      "waiting for room",
      "waits for rpc backends to become free",
    ]);
    bench.free(["b1"]);
    await bench.pass(2_000);
    equal(bench.state("a"), "loading");
  });
});

Deno.test("a place that was taken is given back, whatever goes wrong then", async () => {
  await using bench = new Bench({ backends: ["b1", "b2", "b3"], models: { big: { backendCount: 3 } } });
  await bench.ready("a");
  const big = bench.wanted("big");
  const prepare = async (signal: AbortSignal) => {
    const prospect = await big.prepare(signal);
    return {
      place: () => prospect.place(),
      fitsWith: (freed: ReadonlySet<string>) => {
        if (bench.backends.get("b2") === "small") throw new TypeError("a bug");
        return prospect.fitsWith(freed);
      },
    };
  };
  bench.pool.acquire({ ...big, prepare }, { signal: new AbortController().signal }).catch(() => {});
  await settle();
  await rejects(bench.acquire("small"), TypeError);
  deepEqual([...bench.backends.values()], ["a", undefined, undefined]);
});
