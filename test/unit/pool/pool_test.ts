import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { Bench, isSettled, SETTINGS, settle } from "./pool_bed.ts";

Deno.test("a hundred requests during a load share one preparation, one place and one start", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 100 } } });
  const leases = Array.from({ length: 100 }, () => bench.acquire("a"));
  await bench.pass(700);
  await bench.finishLoad("a");
  const [first, ...rest] = await Promise.all(leases);
  deepEqual([bench.prepared, bench.started, rest.length], [["a"], ["a"], 99]);
  deepEqual([first!.loadMs, first!.queueMs], [700, 0]);
});

Deno.test("a ready coordinator is given at once and costs no waiting", async () => {
  await using bench = new Bench();
  await bench.idle("a");
  const lease = await bench.acquire("a");
  deepEqual([lease.loadMs, lease.queueMs, bench.started], [0, 0, ["a"]]);
});

Deno.test("models that fit beside each other run beside each other", async () => {
  await using bench = new Bench({ backends: ["b1", "b2"] });
  const a = await bench.ready("a");
  const b = await bench.ready("b");
  deepEqual([a.coordinator.endpoints, b.coordinator.endpoints], [["b1"], ["b2"]]);
  deepEqual(bench.pool.views().map(({ id, state }) => [id, state]), [["c1", "ready"], ["c2", "ready"]]);
});

Deno.test("no more requests are in flight than there are slots; the next one waits for one of them", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 2 } } });
  const [one] = [await bench.ready("a"), await bench.ready("a")];
  const third = bench.acquire("a");
  equal(await isSettled(third), false);
  await bench.pass(300);
  one![Symbol.dispose]();
  const { queueMs, loadMs } = await third;
  deepEqual([queueMs, loadMs, bench.view("a").inFlightCount], [300, 0, 2]);
});

Deno.test("who waits is served by priority, and in order of arrival within one", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 1 } } });
  const served: string[] = [];
  const ask = async (name: string, priority?: number) => {
    const lease = await bench.acquire("a", { priority });
    served.push(name);
    lease[Symbol.dispose]();
  };
  const lease = await bench.ready("a");
  const asked = [ask("first"), ask("second"), ask("last", 0), ask("urgent", 9)];
  lease[Symbol.dispose]();
  await Promise.all(asked);
  deepEqual(served, ["urgent", "first", "second", "last"]);
});

Deno.test("who has waited long enough is not overtaken any more, whatever others' priority", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 1 } } });
  let lease = await bench.ready("a");
  const patient = bench.acquire("a", { priority: 0 });
  for (let i = 0; i < 11; i++) {
    const urgent = bench.acquire("a", { priority: 10 });
    await bench.pass(5_000);
    lease[Symbol.dispose]();
    if (await isSettled(patient)) return;
    lease = await urgent;
  }
  ok(false, "starved");
});

Deno.test("more requests than may wait are refused, with the number and how to change it", async () => {
  await using bench = new Bench({ settings: { maxQueued: 2 } });
  const waiting = [bench.acquire("a"), bench.acquire("a")];
  await rejects(bench.acquire("b"), {
    code: "rate_limited",
    retryAfterSeconds: 1,
    message: `Cannot queue a request for "b": 2 requests wait already, which is all that may; ` +
      "try again in a moment, or raise limits.queue",
  });
  equal(bench.pool.view("b"), undefined);
  await settle();
  await bench.finishLoad("a");
  await Promise.all(waiting);
});

Deno.test("a lease given back twice counts once", async () => {
  await using bench = new Bench();
  const [one, two] = [await bench.ready("a"), await bench.ready("a")];
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  equal(bench.view("a").inFlightCount, 1);
  two[Symbol.dispose]();
  equal(bench.view("a").inFlightCount, 0);
});

Deno.test("a client that leaves is let go at once", async (t) => {
  await t.step("before it asked: nothing is started", async () => {
    await using bench = new Bench();
    await rejects(bench.acquire("a", { signal: AbortSignal.abort(new Error("left")) }), /left/);
    equal(bench.pool.view("a"), undefined);
  });
  await t.step("while its model is prepared: if it was the only one, that is given up", async () => {
    await using bench = new Bench();
    bench.preparing = () => new Promise(() => {});
    const [client, other] = [new AbortController(), new AbortController()];
    const left = rejects(bench.acquire("a", { signal: client.signal }), /left/);
    const alsoLeft = rejects(bench.acquire("a", { signal: other.signal }), /left/);
    client.abort(new Error("left"));
    await left;
    equal(bench.state("a"), "preparing");
    other.abort(new Error("left"));
    await alsoLeft;
    deepEqual([bench.state("a"), bench.started], ["stopped", []]);
  });
  await t.step("and another that comes in the same moment has its model prepared anew", async () => {
    await using bench = new Bench();
    const client = new AbortController();
    const left = rejects(bench.acquire("a", { signal: client.signal }), /left/);
    client.abort(new Error("left"));
    const another = bench.acquire("a");
    await left;
    await settle();
    await bench.finishLoad("a");
    equal((await another).coordinator.key, "a");
    deepEqual(bench.prepared, ["a", "a"]);
  });
  await t.step("while its model loads: the load goes on", async () => {
    await using bench = new Bench();
    const client = new AbortController();
    const left = rejects(bench.acquire("a", { signal: client.signal }), /left/);
    await settle();
    client.abort(new Error("left"));
    await left;
    equal(bench.state("a"), "loading");
    await bench.finishLoad("a");
    equal((await bench.acquire("a")).loadMs, 0);
  });
  await t.step("while it waits for a slot: that goes to the next one", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 } } });
    const lease = await bench.ready("a");
    const client = new AbortController();
    const left = rejects(bench.acquire("a", { signal: client.signal }), /left/);
    const next = bench.acquire("a");
    client.abort(new Error("left"));
    await left;
    lease[Symbol.dispose]();
    equal(bench.view("a").waitingCount, 0);
    await next;
  });
});

Deno.test("who waits too long for others is refused, with what it waited for", async (t) => {
  await t.step("for another model's requests", async () => {
    await using bench = new Bench({ settings: { swapWaitMs: 3_600_000 } });
    await bench.ready("a");
    const refused = rejects(bench.acquire("b", { maxWaitMs: 60_000 }), {
      code: "no_capacity",
      message:
        `Cannot serve "b" now: the request has waited 1 min 0 s for others, and "b" waits for 1 request of ` +
        `"a", which holds b1 and takes new ones for up to 59 min 0 s more; try again later, or let it wait longer`,
    });
    await settle();
    await bench.pass(59_999);
    equal(bench.view("b").waitingCount, 1);
    await bench.pass(1);
    await refused;
    deepEqual([bench.view("b").waitingCount, bench.state("b")], [0, "stopped"]);
  });
  await t.step("for a slot", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 } } });
    await bench.ready("a");
    const refused = rejects(bench.acquire("a"), {
      code: "no_capacity",
      message: /waited 10 min 0 s for others, and "a" serves 1 request in 1 slot;/,
    });
    await bench.pass(600_000);
    await refused;
  });
  await t.step("but for its own load it waits as long as that takes, which does not count", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 } } });
    const [one, two] = [bench.acquire("a"), bench.acquire("a", { maxWaitMs: 1_000 })];
    await bench.pass(3_600_000);
    await bench.finishLoad("a");
    await one;
    await bench.pass(999);
    equal(await isSettled(two), false);
    const refused = rejects(two, { code: "no_capacity" });
    await bench.pass(1);
    await refused;
  });
});

Deno.test("loading a model uses no slot, and waits for none", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 1 } } });
  const [request, another] = [bench.acquire("a"), bench.acquire("a")];
  const loaded = bench.load("a");
  await settle();
  await bench.finishLoad("a");
  await loaded;
  await request;
  await bench.load("a");
  deepEqual([bench.view("a").inFlightCount, await isSettled(another)], [1, false]);
});

Deno.test("an idle coordinator is stopped", async (t) => {
  await t.step("after the time that the settings say", async () => {
    await using bench = new Bench({ settings: { idleTtlMs: 60_000 } });
    await bench.idle("a");
    await bench.pass(30_000);
    deepEqual([bench.view("a").expiresInMs, bench.view("a").because], [
      30_000,
      "is idle, is stopped in 30.0 s",
    ]);
    (await bench.acquire("a"))[Symbol.dispose](); // it is used: the time begins anew
    await bench.pass(59_999);
    equal(bench.state("a"), "ready");
    await bench.pass(1);
    deepEqual([bench.state("a"), bench.view("a").because], ["stopped", "was idle for 1 min 0 s"]);
  });
  await t.step("at once if its last request wished so, and nobody waits", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 } } });
    const lease = await bench.ready("a", { keepAliveMs: 0 });
    const waiting = bench.acquire("a", { keepAliveMs: 0 });
    lease[Symbol.dispose]();
    const last = await waiting;
    equal(bench.state("a"), "ready");
    last[Symbol.dispose]();
    await settle();
    deepEqual([bench.state("a"), last.coordinator.stopCount], ["stopped", 1]);
  });
  await t.step("never, if its last request wished so", async () => {
    await using bench = new Bench({ settings: { idleTtlMs: 1_000 } });
    await bench.idle("a", { keepAliveMs: Infinity });
    await bench.pass(1_000_000_000);
    deepEqual([bench.state("a"), bench.view("a").expiresInMs], ["ready", null]);
  });
  await t.step("by the wish of the request that came last, whichever ended last", async () => {
    await using bench = new Bench();
    const first = await bench.ready("a", { keepAliveMs: 1_000 });
    const second = await bench.ready("a", { keepAliveMs: 9_000 });
    second[Symbol.dispose]();
    first[Symbol.dispose]();
    equal(bench.view("a").expiresInMs, 9_000);
  });
  await t.step("not while it is in use", async () => {
    await using bench = new Bench({ settings: { idleTtlMs: 1_000 } });
    await bench.ready("a");
    await bench.pass(1_000_000);
    deepEqual([bench.state("a"), bench.view("a").expiresInMs], ["ready", undefined]);
  });
  await t.step("not if it is pinned; and if it is pinned no more, it is", async () => {
    const settings = { idleTtlMs: 1_000, pinnedKeys: new Set(["a"]) };
    await using bench = new Bench({ settings });
    await bench.idle("a");
    await bench.pass(1_000_000);
    deepEqual([bench.state("a"), bench.view("a").isPinned], ["ready", true]);
    bench.pool.apply({ ...SETTINGS, ...settings, pinnedKeys: new Set() });
    await settle();
    equal(bench.state("a"), "stopped");
  });
});

Deno.test("a failed load", async (t) => {
  await t.step("refuses exactly those who wanted it, and the next request tries again", async () => {
    await using bench = new Bench({ backends: ["b1", "b2"] });
    const a = [bench.acquire("a"), bench.acquire("a")].map((lease) => rejects(lease, /no such file/));
    const b = bench.acquire("b");
    await settle();
    await bench.failLoad("a", new Error("no such file"));
    await Promise.all(a);
    const { state, because, failures } = bench.view("a");
    deepEqual([state, because, failures.map(({ reason }) => reason)], ["failed", "no such file", [
      "no such file",
    ]]);
    await bench.finishLoad("b");
    await b;
    await bench.pass(1_000);
    equal((await bench.ready("a")).coordinator.key, "a");
    deepEqual(bench.states("a"), ["starting", "failed", "starting", "ready"]);
  });
  await t.step("is tried again at once while it may succeed elsewhere, four times in all", async () => {
    await using bench = new Bench({ mayRetry: () => true });
    const refused = rejects(bench.acquire("a"), /culprit 1/);
    await settle();
    for (let i = 1; i <= 4; i++) await bench.failLoad("a", new Error(`culprit ${i}`));
    await refused;
    deepEqual([bench.started.length, bench.state("a"), bench.view("a").failures.length], [4, "failed", 4]);
  });
  await t.step("tells the error that the caller chooses among those of all attempts", async () => {
    await using bench = new Bench({ mayRetry: () => true, chooseError: (errors) => errors.at(-1) });
    const refused = rejects(bench.acquire("a"), { code: "insufficient_memory" });
    await settle();
    bench.backends.clear(); // nothing is left to place it on
    await bench.failLoad("a", new Error("culprit"));
    await refused;
  });
  await t.step(
    "before it was placed is told as it is, starts nothing, and is tried by each request",
    async () => {
      await using bench = new Bench({ mayRetry: () => true });
      bench.preparing = () => Promise.reject(new Error("not a GGUF file"));
      for (let i = 0; i < 3; i++) await rejects(bench.acquire("a"), { message: "not a GGUF file" });
      deepEqual([bench.prepared.length, bench.started, bench.state("a")], [3, [], "failed"]);
    },
  );
});

Deno.test("a load whose process has failed is not begun again by each request", async (t) => {
  const crash = new GatewayError("load_timeout", "it did not load");
  /** The model fails for the n-th time; then so long passes. */
  async function fail(bench: Bench, passMs: number): Promise<void> {
    const refused = rejects(bench.acquire("bad"), { message: "it did not load" });
    await settle();
    await bench.failLoad("bad", crash);
    await refused;
    await bench.pass(passMs);
  }
  await t.step("requests are refused with its error, and nobody is stopped for it, for a while", async () => {
    await using bench = new Bench();
    await fail(bench, 0);
    const sound = await bench.idle("sound");
    await bench.pass(400);
    await rejects(bench.acquire("bad"), {
      code: "load_timeout",
      retryAfterSeconds: 1,
      message:
        "it did not load. For the next 600 ms no request has it tried again; to try it at once: sollol load bad",
    });
    deepEqual([bench.started, sound.stopCount], [["bad", "sound"], 0]);
    await bench.pass(600);
    bench.acquire("bad");
    await settle();
    deepEqual([bench.started, sound.stopCount], [["bad", "sound", "bad"], 1]);
  });
  await t.step("the more often it failed in a row the longer", async () => {
    await using bench = new Bench();
    for (const pauseMs of [1_000, 2_000, 4_000]) await fail(bench, pauseMs);
    await fail(bench, 7_999);
    await rejects(bench.acquire("bad"), { retryAfterSeconds: 1 });
    await bench.pass(1);
    await fail(bench, 0);
    await rejects(bench.acquire("bad"), { retryAfterSeconds: 16 });
  });
  await t.step("until it has answered", async () => {
    await using bench = new Bench();
    for (const pauseMs of [1_000, 2_000]) await fail(bench, pauseMs);
    const lease = await bench.ready("bad");
    lease.reportServed();
    lease[Symbol.dispose]();
    bench.pool.unload("bad");
    await settle();
    await fail(bench, 1_000);
    await bench.ready("bad");
  });
  await t.step(
    "or was loaded by an operator, who need not wait; nor need requests that come then",
    async () => {
      await using bench = new Bench();
      await fail(bench, 0);
      const loaded = bench.load("bad");
      const request = bench.acquire("bad");
      await settle();
      await bench.finishLoad("bad");
      await loaded;
      (await request)[Symbol.dispose]();
      bench.pool.unload("bad");
      await settle();
      await bench.ready("bad");
    },
  );
  await t.step("or an operator says that the cause is gone", async () => {
    await using bench = new Bench();
    for (const pauseMs of [1_000, 2_000, 0]) await fail(bench, pauseMs);
    const restarted = rejects(bench.pool.restart("bad", new AbortController().signal), {
      message: crash.message,
    });
    await settle();
    await bench.failLoad("bad", crash);
    await restarted;
    await rejects(bench.acquire("bad"), { retryAfterSeconds: 1 });
  });
  await t.step("nor if it failed by what nobody foresaw, whose words are not for clients", async () => {
    await using bench = new Bench();
    const bug = new TypeError("a bug");
    const refused = rejects(bench.acquire("bad"), TypeError);
    await settle();
    await bench.failLoad("bad", bug);
    await refused;
    equal(await bench.acquire("bad").catch((error) => error), bug);
    equal(bench.started.length, 1);
  });
  await t.step(
    "but it is if memory is what is missing: plans know that, and an operator may mend it at once",
    async () => {
      await using bench = new Bench({ mayRetry: () => true, chooseError: (errors) => errors.at(-1) });
      const refused = rejects(bench.acquire("bad"), { code: "insufficient_memory" });
      await settle();
      bench.backends.clear();
      await bench.failLoad("bad", crash);
      await refused;
      bench.backends.set("b2", undefined);
      equal((await bench.ready("bad")).coordinator.key, "bad");
    },
  );
});

Deno.test("a load tells how far it is", async () => {
  await using bench = new Bench();
  const acquired = bench.acquire("a");
  await settle();
  bench.loads[0]!.onProgress({ stage: "loading", sentBytes: 5, totalBytes: 10 });
  deepEqual(bench.view("a").progress, { stage: "loading", sentBytes: 5, totalBytes: 10 });
  await bench.finishLoad("a");
  await acquired;
  deepEqual(bench.events, [
    {
      id: "c1",
      model: "a",
      type: "state",
      state: "starting",
      before: "stopped",
      because: "is wanted by 1 request",
    },
    {
      id: "c1",
      model: "a",
      type: "phase",
      phase: "preparing",
      because: "its file is read, and the rpc backends are asked",
    },
    { id: "c1", model: "a", type: "phase", phase: "loading", because: "goes to b1" },
    { id: "c1", model: "a", type: "loading", stage: "loading", sentBytes: 5, totalBytes: 10 },
    {
      id: "c1",
      model: "a",
      type: "state",
      state: "ready",
      before: "starting",
      because: "is loaded",
      loadMs: 0,
    },
  ]);
  equal(bench.view("a").progress, undefined);
});

Deno.test("models that are not loaded are forgotten when there are too many of them", async () => {
  await using bench = new Bench();
  bench.preparing = () => Promise.reject(new Error("no such model"));
  for (let i = 0; i < 200; i++) await bench.acquire(`model${i}`).catch(() => {});
  equal(bench.pool.views().length, 64);
  equal(bench.view("model199").failures.length, 1);
});

Deno.test("nothing of a request is left behind at its client's signal, however it ends", async () => {
  await using bench = new Bench();
  const { signal } = new AbortController();
  let listenerCount = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => (listenerCount++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listenerCount--, remove(...args));
  const acquired = bench.acquire("a", { signal });
  equal(listenerCount, 1);
  await settle();
  await bench.failLoad("a", new Error("it crashed"));
  await rejects(acquired);
  equal(listenerCount, 0);
  await bench.pass(1_000);
  await bench.ready("a", { signal });
  equal(listenerCount, 0);
});

Deno.test("a model is started as it was asked for last", async () => {
  await using bench = new Bench();
  const old = await bench.idle("a");
  const wanted = bench.wanted("a");
  let preparedCount = 0;
  const signal = new AbortController().signal;
  const latest = { ...wanted, prepare: (signal: AbortSignal) => (preparedCount++, wanted.prepare(signal)) };
  (await bench.pool.acquire(latest, { signal }))[Symbol.dispose]();
  old.die("it crashed");
  await settle();
  equal(preparedCount, 1);
  await bench.failLoad("a", new Error("no such file"));
  await bench.pass(1_000);
  equal(preparedCount, 2);
});
