import { deepEqual, equal, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import type { PoolSettings } from "../../../lib/pool/pooled.ts";
import { Bench, type FakeCoordinator, isSettled, SETTINGS, settle } from "./pool_bed.ts";

Deno.test("a coordinator that dies is started again at once, before anybody asks for it", async () => {
  await using bench = new Bench();
  const old = await bench.idle("a");
  await bench.pass(1_000);
  old.die("rpc backend b1 was lost");
  await settle();
  deepEqual([old.stopCount, bench.state("a")], [1, "loading"]);
  await bench.pass(700);
  const next = await bench.finishLoad("a");
  equal((await bench.acquire("a")).coordinator, next);
  const { failures, restartCount, id } = bench.view("a");
  deepEqual([failures.map(({ reason }) => reason), restartCount, id], [["rpc backend b1 was lost"], 1, "c1"]);
  deepEqual(bench.events.filter(({ type }) => type.startsWith("recover")), [
    {
      id: "c1",
      model: "a",
      type: "recovering",
      because: "failed: rpc backend b1 was lost",
      attempt: 1,
      inMs: 0,
    },
    { id: "c1", model: "a", type: "recovered", attempt: 1, tookMs: 700 },
  ]);
});

Deno.test("its backends are not placed again before nothing is left of it", async () => {
  await using bench = new Bench();
  const old = await bench.idle("a");
  const cleared = Promise.withResolvers<void>();
  old.stopping = () => cleared.promise;
  old.die("it crashed");
  await settle();
  deepEqual([bench.prepared, bench.view("a").because], [
    ["a"],
    "died: it crashed; what is left is cleared away",
  ]);
  cleared.resolve();
  await settle();
  deepEqual(bench.prepared, ["a", "a"]);
});

Deno.test("leases of the dead coordinator count no more", async () => {
  await using bench = new Bench();
  const stale = await bench.ready("a");
  stale.coordinator.die("it crashed");
  await settle();
  await bench.finishLoad("a");
  const lease = await bench.acquire("a");
  stale[Symbol.dispose]();
  equal(bench.view("a").inFlightCount, 1);
  lease[Symbol.dispose]();
  equal(bench.view("a").inFlightCount, 0);
});

Deno.test("why it died is noted, also if that is known only later", async () => {
  await using bench = new Bench();
  const old = await bench.idle("a");
  old.stop = () => Promise.resolve(bench.free(old.endpoints));
  old.exit();
  await settle();
  deepEqual(bench.view("a").failures.map(({ reason }) => reason), ["its process has ended"]);
  old.die("rpc backend b1 was lost");
  deepEqual(bench.view("a").failures.map(({ reason }) => reason), ["rpc backend b1 was lost"]);
});

Deno.test("requests wait while it recovers, and are told if it is given up", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 2 } });
  (await bench.idle("a")).die("first");
  const waiting = bench.acquire("a");
  await settle();
  await bench.failLoad("a", new Error("second"));
  deepEqual([bench.state("a"), bench.view("a").because], [
    "backing off",
    "failed: second; is started again in 1.0 s",
  ]);
  await bench.pass(999);
  equal(bench.state("a"), "backing off");
  await bench.pass(1);
  equal(bench.state("a"), "loading");
  const refused = rejects(waiting, {
    code: "upstream_failed",
    retryAfterSeconds: 1,
    message:
      `The coordinator of "a" failed 3 times within 10 min 0 s, the last time because: third. It gets one more ` +
      "try when it is asked for again; when the cause is gone: sollol restart a",
  });
  await bench.failLoad("a", new Error("third"));
  await refused;
  deepEqual([bench.state("a"), bench.view("a").failures.length], ["failed", 3]);
});

Deno.test("what was given up gets one more try each time that it is asked for", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 0 } });
  (await bench.idle("a")).die("it crashed");
  await settle();
  equal(bench.state("a"), "failed");
  equal((await bench.ready("a")).coordinator.key, "a");
  equal(bench.state("a"), "ready");
});

Deno.test("one that dies over its requests is started again for those that wait, however often", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 0 } });
  const first = await bench.ready("a");
  for (let death = 1; death <= 3; death++) {
    const waiting = bench.acquire("a");
    const also = bench.acquire("a");
    for (const coordinator of bench.running) coordinator.die("it crashed");
    await settle();
    equal(bench.state("a"), "loading", `after death ${death}`);
    await bench.finishLoad("a");
    await Promise.all([waiting, also]);
  }
  first[Symbol.dispose]();
});

Deno.test("one that is dead as soon as it is ready is not started for ever", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 2 } });
  const refused = rejects(bench.acquire("a"), { code: "upstream_failed", message: /failed 3 times/ });
  await settle();
  for (let i = 0; i < 3; i++) {
    const died = bench.finishLoad("a");
    for (const coordinator of bench.running) coordinator.die("it crashed");
    await died;
    await bench.pass(10_000);
  }
  await refused.catch(() => {});
  equal(bench.started.length, 3);
});

Deno.test("a recovery that cannot be placed", async (t) => {
  /** One whose only rpc backend is gone with it. */
  async function unplaced(settings: Partial<PoolSettings> = {}): Promise<Bench> {
    const bench = new Bench({ settings: { maxRestarts: 1, ...settings } });
    const old = await bench.idle("a");
    bench.backends.clear();
    old.die("rpc backend b1 was lost");
    await settle();
    return bench;
  }
  await t.step("costs no restart, looks again every 2 s, and loads as soon as it can be", async () => {
    await using bench = await unplaced();
    deepEqual([bench.state("a"), bench.view("a").because], [
      "waiting for room",
      'cannot be placed: "a" fits nowhere; looks again in 2.0 s',
    ]);
    const waiting = bench.acquire("a");
    for (let look = 1; look <= 4; look++) {
      await bench.pass(1_999);
      equal(bench.prepared.length, 1 + look);
      await bench.pass(1);
      deepEqual([bench.prepared.length, bench.state("a")], [2 + look, "waiting for room"]);
    }
    bench.backends.set("b2", undefined);
    await bench.pass(1_999);
    await bench.pass(1);
    const next = await bench.finishLoad("a");
    deepEqual([next.endpoints, (await waiting).coordinator], [["b2"], next]);
    const { failures, restartCount } = bench.view("a");
    deepEqual([failures.map(({ reason }) => reason), restartCount], [["rpc backend b1 was lost"], 1]);
    const phases = bench.events.flatMap((event) => event.type === "phase" ? [event.phase] : []);
    deepEqual(phases.slice(2), ["backing off", "preparing", "waiting for room", "loading"]); // each told once
  });
  await t.step(
    "lets requests wait for 10 s from the death, then refuses them and all that come",
    async () => {
      await using bench = await unplaced();
      const waiting = bench.acquire("a");
      await bench.pass(9_999);
      equal(await isSettled(waiting), false);
      const refused = rejects(waiting, { code: "insufficient_memory", message: '"a" fits nowhere' });
      await bench.pass(1);
      await refused;
      const lookCount = bench.prepared.length;
      await rejects(bench.acquire("a"), { code: "insufficient_memory", message: '"a" fits nowhere' });
      deepEqual([bench.prepared.length - lookCount, bench.state("a")], [0, "waiting for room"]);
    },
  );
  await t.step("keeps nobody waiting whom somebody else would serve, whenever that came to be", async () => {
    await using bench = await unplaced();
    const stays = bench.acquire("a");
    let isServedElsewhere = false;
    const leaves = bench.acquire("a", { mayGoElsewhere: () => isServedElsewhere });
    await bench.pass(2_000);
    deepEqual([await isSettled(stays), await isSettled(leaves)], [false, false]);
    isServedElsewhere = true;
    const refused = { code: "insufficient_memory", message: '"a" fits nowhere' };
    await Promise.all([rejects(leaves, refused), bench.pass(2_000)]);
    await rejects(bench.acquire("a", { mayGoElsewhere: () => true }), refused);
    equal(await isSettled(stays), false);
    bench.backends.set("b2", undefined);
    await bench.pass(2_000);
    equal(await bench.finishLoad("a"), (await stays).coordinator);
  });
  await t.step("tells those who came before the death as soon as it knows", async () => {
    await using bench = new Bench({ models: { a: { slotCount: 1 } } });
    const { coordinator } = await bench.ready("a");
    const leaves = bench.acquire("a", { mayGoElsewhere: () => true });
    equal(await isSettled(leaves), false);
    bench.backends.clear();
    const refused = rejects(leaves, { code: "insufficient_memory" });
    coordinator.die("rpc backend b1 was lost");
    await refused;
  });
  await t.step("refuses nobody before the look is over that is under way then", async () => {
    await using bench = await unplaced();
    const waiting = bench.acquire("a");
    bench.backends.set("b2", undefined);
    bench.preparing = () => bench.clock.sleep(1_500);
    await bench.pass(9_000);
    await bench.pass(1_000);
    bench.pool.apply(SETTINGS); // something happens
    equal(await isSettled(waiting), false);
    await bench.pass(500);
    equal(await bench.finishLoad("a"), (await waiting).coordinator);
  });
  await t.step("goes on looking, more rarely, and is loaded by itself when it can be", async () => {
    await using bench = await unplaced();
    for (let ms = 0; ms < 10_000; ms += 2_000) await bench.pass(2_000);
    const lookCount = bench.prepared.length;
    await bench.pass(9_999);
    equal(bench.prepared.length, lookCount);
    bench.backends.set("b2", undefined);
    await bench.pass(1);
    await bench.finishLoad("a");
    equal(bench.state("a"), "ready");
  });
  await t.step("refuses nobody any more once it was placed, though it fails then", async () => {
    await using bench = await unplaced({ maxRestarts: 3 });
    await bench.pass(10_000);
    bench.backends.set("b2", undefined);
    await bench.pass(10_000);
    await bench.failLoad("a", new Error("it crashed"));
    const waiting = bench.acquire("a");
    await bench.pass(1_000);
    equal(await bench.finishLoad("a"), (await waiting).coordinator);
  });
  await t.step("waits as others do if it would fit where another is in use", async () => {
    await using bench = await unplaced();
    await bench.pass(60_000);
    bench.backends.set("b2", undefined);
    const b = await bench.ready("b");
    const operator = bench.load("a");
    await settle();
    const waiting = bench.acquire("a");
    await bench.pass(2_000);
    deepEqual([bench.state("a"), bench.view("a").waitingCount], ["waiting for room", 2]);
    b[Symbol.dispose]();
    await settle();
    await bench.finishLoad("a");
    await operator;
    equal((await waiting).coordinator.endpoints[0], "b2");
  });
  await t.step("but whose file cannot be used counts as a failure", async () => {
    await using bench = new Bench({ settings: { maxRestarts: 1 } });
    const old = await bench.idle("a");
    bench.preparing = () => Promise.reject(new GatewayError("model_unusable", "not a GGUF file"));
    old.die("it crashed");
    await settle();
    deepEqual([bench.state("a"), bench.view("a").failures.length], ["failed", 2]);
  });
});

Deno.test("a coordinator that can be placed is waited for, though somebody else would serve", async () => {
  await using bench = new Bench();
  const old = await bench.idle("a");
  old.die("it crashed");
  const waiting = bench.acquire("a", { mayGoElsewhere: () => true });
  await settle();
  equal(await bench.finishLoad("a"), (await waiting).coordinator);
});

Deno.test("a recovery that nobody waits for", async (t) => {
  await t.step("ends when it would not be loaded any more", async () => {
    await using bench = new Bench({ settings: { idleTtlMs: 1_500 } });
    const old = await bench.idle("a");
    bench.backends.clear();
    old.die("it crashed");
    await bench.pass(1_000);
    equal(bench.state("a"), "waiting for room");
    await bench.pass(500);
    deepEqual([bench.state("a"), bench.view("a").because], ["stopped", "nobody waits for it any more"]);
  });
  await t.step("stops nobody else", async () => {
    await using bench = new Bench();
    const old = await bench.idle("a");
    bench.backends.delete("b1");
    bench.backends.set("b2", undefined);
    const b = await bench.idle("b");
    old.die("it crashed");
    await settle();
    deepEqual([bench.state("a"), bench.view("a").because, b.stopCount], [
      "stopped",
      "there is no room for it, and nobody waits for it",
      0,
    ]);
  });
  await t.step("goes on for as long as it takes if it is pinned", async () => {
    await using bench = new Bench({
      settings: { pinnedKeys: new Set(["a"]), idleTtlMs: 1_000 },
    });
    const old = await bench.idle("a");
    bench.backends.clear();
    old.die("it crashed");
    await bench.pass(3_600_000);
    bench.backends.set("b2", undefined);
    await bench.pass(10_000);
    await bench.finishLoad("a");
    equal(bench.state("a"), "ready");
  });
  await t.step("keeps the time at which it would have been stopped for being idle", async () => {
    await using bench = new Bench();
    const old = await bench.idle("a", { keepAliveMs: 10_000 });
    await bench.pass(4_000);
    old.die("it crashed");
    await bench.pass(2_000);
    await bench.finishLoad("a");
    equal(bench.view("a").expiresInMs, 4_000);
  });
});

Deno.test("one that dies while it makes room is not started again", async () => {
  await using bench = new Bench();
  const lease = await bench.ready("a");
  const waiting = bench.acquire("b");
  await bench.pass(5_000);
  equal(bench.state("a"), "draining");
  lease.coordinator.die("it crashed");
  await settle();
  await bench.finishLoad("b");
  await waiting;
  deepEqual([bench.state("a"), bench.view("a").because], ["stopped", "died: it crashed"]);
});

Deno.test("a coordinator that is leaving ends with its last request, and who waits gets another", async () => {
  await using bench = new Bench();
  const lease = await bench.ready("a");
  lease.coordinator.leave();
  const late = bench.acquire("a");
  await settle();
  deepEqual([bench.state("a"), bench.started, await isSettled(late)], ["draining", ["a"], false]);
  equal(bench.view("a").because, "takes nothing new: its backend leaves; waits for 1 request");
  lease[Symbol.dispose]();
  await settle();
  const next = await bench.finishLoad("a");
  equal((await late).coordinator, next);
  equal(lease.coordinator.stopCount, 1);
});

Deno.test("a coordinator that is leaving while it is idle is replaced at once, and stays as long as it would have", async () => {
  await using bench = new Bench({ settings: { idleTtlMs: 10_000 } });
  const old = await bench.idle("a", { keepAliveMs: 60_000 });
  await bench.pass(20_000);
  old.leave();
  await settle();
  deepEqual([old.stopCount, bench.state("a")], [1, "loading"]);
  await bench.finishLoad("a");
  equal(bench.view("a").expiresInMs, 40_000);
});

Deno.test("a coordinator that is leaving is not replaced if it is unloaded meanwhile", async () => {
  await using bench = new Bench();
  const lease = await bench.ready("a");
  lease.coordinator.leave();
  equal(bench.pool.unload("a"), "after use");
  lease[Symbol.dispose]();
  await settle();
  equal(bench.state("a"), "stopped");
});

Deno.test("one that answers in between is never given up, and never kept waiting", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 1 } });
  for (let death = 1; death <= 5; death++) {
    const lease = await bench.ready("a");
    lease.reportServed();
    lease[Symbol.dispose]();
    lease.coordinator.die("it crashed");
    await settle();
    equal(bench.state("a"), "loading", `after death ${death}`);
  }
});

Deno.test("one that was given up, is asked for and fails again says so", async () => {
  await using bench = new Bench({ settings: { maxRestarts: 0 } });
  (await bench.idle("a")).die("it crashed");
  await settle();
  await bench.pass(1_000);
  (await bench.ready("a")).coordinator.die("it crashed once more");
  await settle();
  deepEqual([bench.state("a"), bench.view("a").because], [
    "failed",
    'The coordinator of "a" failed again: it crashed once more. It gets one more try when it is asked for ' +
    "again; when the cause is gone: sollol restart a",
  ]);
});

Deno.test("nothing of a coordinator is left at signals that outlive it, however it ends", async (t) => {
  const ends: Record<string, (bench: Bench, a: FakeCoordinator) => void> = {
    "is stopped": (bench) => bench.pool.unload("a"),
    "dies": (_, a) => a.die("it crashed"),
    "leaves": (_, a) => a.leave(),
  };
  for (const [how, end] of Object.entries(ends)) {
    await t.step(`as one that ${how}`, async () => {
      await using bench = new Bench();
      const acquired = bench.acquire("a");
      await settle();
      const listenerCounts = new Map<string, () => number>();
      bench.adorn = (a) => {
        listenerCounts.set("dead", countListeners(a.dead));
        listenerCounts.set("leaving", countListeners(a.leaving));
      };
      const a = await bench.finishLoad("a");
      (await acquired)[Symbol.dispose]();
      const counts = () => [...listenerCounts.values()].map((count) => count());
      deepEqual(counts(), [1, 1]);
      end(bench, a);
      await settle();
      deepEqual(counts(), [0, 0]);
    });
  }
});

/** From now on. */
function countListeners(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>();
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners.add(args[1]), add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    remove(...args);
  };
  return () => listeners.size;
}
