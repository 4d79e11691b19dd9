import { deepEqual, equal, rejects } from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import { Bench, isSettled, settle } from "./pool_bed.ts";

Deno.test("unloading", async (t) => {
  await t.step("what is not loaded says so", async () => {
    await using bench = new Bench();
    equal(bench.pool.unload("a"), "not loaded");
  });
  await t.step("stops an idle coordinator at once, also a pinned one", async () => {
    await using bench = new Bench({ settings: { pinnedKeys: new Set(["a"]) } });
    const a = await bench.idle("a");
    equal(bench.pool.unload("a"), "unloaded");
    await settle();
    deepEqual([a.stopCount, bench.state("a"), bench.pool.unload("a")], [1, "stopped", "not loaded"]);
  });
  await t.step("waits for requests in flight; who comes meanwhile gets a new load", async () => {
    await using bench = new Bench();
    const lease = await bench.ready("a");
    equal(bench.pool.unload("a"), "after use");
    const late = bench.acquire("a");
    await settle();
    deepEqual([bench.state("a"), bench.pool.ready("a")], ["draining", undefined]);
    lease[Symbol.dispose]();
    await settle();
    await bench.finishLoad("a");
    equal((await late).coordinator === lease.coordinator, false);
  });
  await t.step("gives up a load that nobody waits for", async () => {
    await using bench = new Bench();
    const client = new AbortController();
    bench.acquire("a", { signal: client.signal });
    await settle();
    client.abort(new Error("left"));
    await settle();
    equal(bench.pool.unload("a"), "unloaded");
    equal(bench.view("a").because, "is being given up: unloaded on request");
    await settle();
    deepEqual([bench.state("a"), bench.view("a").because, bench.view("a").failures], [
      "stopped",
      "unloaded on request",
      [],
    ]);
  });
  await t.step(
    "lets a load go on that requests wait for: they are served, who comes later is not",
    async () => {
      await using bench = new Bench({ models: { a: { slotCount: 1 } } });
      const [first, second] = [bench.acquire("a"), bench.acquire("a")];
      await settle();
      equal(bench.pool.unload("a"), "after use");
      await bench.pass(1_000);
      const late = bench.acquire("a", { priority: 10 });
      const old = await bench.finishLoad("a");
      (await first)[Symbol.dispose]();
      const lease = await second;
      deepEqual([lease.coordinator, bench.state("a")], [old, "draining"]);
      lease[Symbol.dispose]();
      await settle();
      equal(await bench.finishLoad("a"), (await late).coordinator);
      deepEqual([old.stopCount, bench.state("a")], [1, "ready"]);
    },
  );
  await t.step("of a load whose requests have left meanwhile ends it when it is ready", async () => {
    await using bench = new Bench();
    const client = new AbortController();
    bench.acquire("a", { signal: client.signal });
    await settle();
    bench.pool.unload("a");
    client.abort(new Error("left"));
    const a = await bench.finishLoad("a");
    deepEqual([a.stopCount, bench.view("a").because], [1, "unloaded on request"]);
  });
  await t.step("ends a recovery that cannot be placed with the requests that wait for it", async () => {
    await using bench = new Bench();
    const old = await bench.idle("a");
    bench.backends.clear();
    old.die("it crashed");
    const refused = rejects(bench.acquire("a"), { code: "insufficient_memory" });
    await settle();
    equal(bench.pool.unload("a"), "after use");
    await bench.pass(10_000);
    await refused;
    deepEqual([bench.state("a"), bench.view("a").because], ["stopped", "unloaded on request"]);
  });
  for (const undo of ["load", "restart"] as const) {
    await t.step(`is taken back by a ${undo}`, async () => {
      await using bench = new Bench();
      const request = bench.acquire("a");
      await settle();
      bench.pool.unload("a");
      const undone = undo === "load"
        ? bench.load("a")
        : bench.pool.restart("a", new AbortController().signal);
      const a = await bench.finishLoad("a");
      await undone;
      (await request)[Symbol.dispose]();
      await settle();
      deepEqual([a.stopCount, bench.state("a")], [0, "ready"]);
    });
  }
});

Deno.test("what was to be unloaded and failed is loaded as usual the next time", async () => {
  await using bench = new Bench();
  const refused = rejects(bench.acquire("a"), /it crashed/);
  await settle();
  equal(bench.pool.unload("a"), "after use");
  await bench.failLoad("a", new Error("it crashed"));
  await refused;
  await bench.pass(1_000);
  await bench.idle("a");
  equal(bench.state("a"), "ready");
});

Deno.test("restarting", async (t) => {
  const signal = new AbortController().signal;
  await t.step("what nobody has asked for is not possible", async () => {
    await using bench = new Bench();
    await rejects(bench.pool.restart("a", signal), { code: "not_found" });
  });
  await t.step("waits until it is idle, then until it is ready again", async () => {
    await using bench = new Bench();
    const lease = await bench.ready("a");
    const restarted = bench.pool.restart("a", signal);
    await settle();
    equal(bench.state("a"), "draining");
    lease[Symbol.dispose]();
    await settle();
    await bench.finishLoad("a");
    await restarted;
    deepEqual([lease.coordinator.stopCount, bench.state("a"), bench.view("a").id], [1, "ready", "c1"]);
  });
  await t.step("goes on if the operator does not wait for it", async () => {
    await using bench = new Bench();
    const old = await bench.idle("a");
    const operator = new AbortController();
    const left = rejects(bench.pool.restart("a", operator.signal), /left/);
    operator.abort(new Error("left"));
    await left;
    await settle();
    await bench.finishLoad("a");
    deepEqual([old.stopCount, bench.state("a")], [1, "ready"]);
  });
  await t.step("brings back one that was given up, as if it had never failed", async () => {
    await using bench = new Bench({ settings: { maxRestarts: 1 } });
    (await bench.idle("a")).die("first");
    await settle();
    await bench.failLoad("a", new Error("second"));
    equal(bench.state("a"), "failed");
    const restarted = bench.pool.restart("a", signal);
    await settle();
    (await bench.finishLoad("a")).die("third");
    await restarted;
    await settle();
    equal(bench.state("a"), "loading"); // it has one restart again
  });
  await t.step("one that backs off starts it at once, and so does loading it", async () => {
    for (const wake of ["restart", "load"] as const) {
      await using bench = new Bench();
      (await bench.idle("a")).die("first");
      await settle();
      await bench.failLoad("a", new Error("second"));
      equal(bench.state("a"), "backing off");
      if (wake === "load") bench.load("a");
      else bench.pool.restart("a", signal).catch(() => {});
      await settle();
      equal(bench.state("a"), "loading");
    }
  });
  await t.step("one that cannot be placed has it look at once, and tells what it found", async () => {
    await using bench = new Bench();
    const old = await bench.idle("a");
    bench.backends.clear();
    old.die("it crashed");
    await bench.pass(60_000);
    const lookCount = bench.prepared.length;
    await rejects(bench.pool.restart("a", signal), { code: "insufficient_memory" });
    deepEqual([bench.prepared.length - lookCount, bench.state("a")], [1, "waiting for room"]);
    bench.backends.set("b2", undefined);
    const loaded = bench.load("a");
    await settle();
    await bench.finishLoad("a");
    await loaded;
  });
  await t.step("waits for its place as a recovery does", async () => {
    await using bench = new Bench();
    const lease = await bench.ready("a");
    const restarted = bench.pool.restart("a", signal);
    bench.backends.clear();
    lease[Symbol.dispose]();
    await settle();
    equal(bench.state("a"), "waiting for room");
    bench.backends.set("b2", undefined);
    await bench.pass(2_000);
    await bench.finishLoad("a");
    await restarted;
  });
});

Deno.test("views are found by id and by key, those that run first", async () => {
  await using bench = new Bench();
  await bench.idle("a");
  await bench.ready("b");
  deepEqual(bench.pool.views().map(({ id, key, state }) => [id, key, state]), [
    ["c2", "b", "ready"],
    ["c1", "a", "stopped"],
  ]);
  equal(bench.pool.view("c2")?.key, "b");
  equal(bench.pool.view("c9"), undefined);
  const { endpoints, slotCount, upMs, because, expiresInMs } = bench.view("b");
  deepEqual({ endpoints, slotCount, upMs, because, expiresInMs }, {
    endpoints: ["b1"],
    slotCount: 2,
    upMs: 0,
    because: "serves 1 request in 2 slots",
    expiresInMs: undefined,
  });
});

Deno.test("closing", async (t) => {
  await t.step("refuses who waits, ends starts under way, and lets nobody in any more", async () => {
    const bench = new Bench({ backends: ["b1", "b2"] });
    bench.preparing = (key) => key === "slow" ? new Promise(() => {}) : Promise.resolve();
    const waiting = ["slow", "a"].map((key) => rejects(bench.acquire(key), { code: "shutting_down" }));
    await settle();
    equal(bench.isLoading("a"), true);
    await bench.pool.close();
    await Promise.all(waiting);
    await rejects(bench.acquire("a"), { code: "shutting_down" });
    deepEqual(bench.pool.views().map(({ state }) => state), ["stopped", "stopped"]);
  });
  await t.step("stops all coordinators at once, in use or not, and waits until nothing is left", async () => {
    const bench = new Bench({ backends: ["b1", "b2"] });
    const [a, b] = [await bench.ready("a"), await bench.idle("b")];
    const stop = Promise.withResolvers<void>();
    a.coordinator.stopping = b.stopping = () => stop.promise;
    const closed = bench.pool.close();
    deepEqual([a.coordinator.stopCount, b.stopCount], [1, 1]);
    await rejects(bench.acquire("b"), { code: "shutting_down" });
    stop.resolve();
    await closed;
    a[Symbol.dispose]();
    equal(bench.running.size, 0);
    await bench.pool.close();
  });
  await t.step("stops one that becomes ready all the same", async () => {
    const bench = new Bench();
    bench.acquire("a");
    await settle();
    const load = bench.loads.pop()!; // deaf to its signal
    const closed = bench.pool.close();
    bench.loads.push(load);
    const a = await bench.finishLoad("a");
    await closed;
    deepEqual([a.stopCount, bench.state("a")], [1, "stopped"]);
  });
  await t.step("while one recovers, or is to be started again, starts nothing", async () => {
    const bench = new Bench({ backends: ["b1", "b2"] });
    const [a, b] = [await bench.idle("a"), await bench.ready("b")];
    a.die("it crashed");
    bench.pool.restart("b", new AbortController().signal).catch(() => {});
    await bench.pool.close();
    b[Symbol.dispose]();
    await bench.pass(100_000);
    deepEqual([bench.started, bench.running.size], [["a", "b"], 0]);
  });
});

Deno.test("who comes when it is closed is told so, whatever has failed before", async () => {
  const bench = new Bench();
  bench.acquire("a");
  await settle();
  await bench.failLoad("a", new Error("it crashed"));
  await bench.pool.close();
  await rejects(bench.acquire("a"), { code: "shutting_down" });
});

Deno.test("nothing begins while the pool closes, whoever wishes it", async () => {
  const bench = new Bench();
  const a = await bench.idle("a");
  const stop = Promise.withResolvers<void>();
  a.stopping = () => stop.promise;
  const closed = bench.pool.close();
  await rejects(bench.pool.restart("a", new AbortController().signal), { code: "shutting_down" });
  await rejects(bench.load("a"), { code: "shutting_down" });
  stop.resolve();
  await closed;
  deepEqual([bench.prepared, bench.state("a")], [["a"], "stopped"]);
});

Deno.test("closing waits for a process that cannot be stopped for 10 s, names it in the log, and goes on", async () => {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line), level: "error" });
  const bench = new Bench({ logger, backends: ["b1", "b2"] });
  const [stuck] = [await bench.idle("stuck"), await bench.idle("sound")];
  stuck.stopping = () => new Promise(() => {});
  const closed = bench.pool.close();
  await bench.pass(9_999);
  deepEqual([await isSettled(closed), lines], [false, []]);
  await bench.pass(1);
  await closed;
  deepEqual(lines.map((line) => JSON.parse(line)).map(({ message, model }) => [message, model]), [
    ["coordinator not stopped", "stuck"],
  ]);
});
