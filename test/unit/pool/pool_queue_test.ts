import { deepEqual, equal, rejects } from "node:assert/strict";
import { WaitingRoom } from "../../../lib/queue/waiting_room.ts";
import { Bench, isSettled, settle } from "./pool_bed.ts";

Deno.test("a pool shares the room where its requests wait with others", async () => {
  const room = new WaitingRoom(() => 2);
  await using bench = new Bench({ models: { a: { slotCount: 1 } }, settings: { maxQueued: 0 }, room });
  const lease = await bench.ready("a");
  room.enter(); // somebody else
  const waiting = bench.acquire("a");
  equal(room.count, 2);
  await rejects(bench.acquire("a"), { code: "rate_limited" });
  room.leave();
  const next = bench.acquire("a");
  equal(room.count, 2);
  lease[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  equal(room.count, 0);
});

Deno.test("work in the background that waits for a coordinator keeps nobody else out", async () => {
  await using bench = new Bench({ models: { a: { slotCount: 1 } }, settings: { maxQueued: 1 } });
  const lease = await bench.ready("a");
  const batch = bench.acquire("a", { priority: -1_000 });
  await rejects(bench.acquire("a", { priority: -1 }), { code: "rate_limited" });
  const person = bench.acquire("a", { priority: 0 });
  await rejects(bench.acquire("a"), { code: "rate_limited" });
  lease[Symbol.dispose]();
  (await person)[Symbol.dispose]();
  (await batch)[Symbol.dispose]();
});

Deno.test("a pool's requests leave the shared room however they end", async () => {
  const room = new WaitingRoom(() => 10);
  const bench = new Bench({ models: { a: { slotCount: 1 } }, room });
  await bench.ready("a");
  const client = new AbortController();
  const left = bench.acquire("a", { signal: client.signal });
  const late = bench.acquire("a", { maxWaitMs: 1_000 });
  const closed = bench.acquire("a");
  equal(room.count, 3);
  client.abort(new Error("left"));
  await rejects(left, /left/);
  equal(room.count, 2);
  await bench.pass(1_000);
  await rejects(late, { code: "no_capacity" });
  equal(room.count, 1);
  await bench.pool.close();
  await rejects(closed, { code: "shutting_down" });
  equal(room.count, 0);
});

Deno.test("work in the background gets a coordinator's slot when nobody else wants it, hours later too", async () => {
  await using bench = new Bench({
    models: { a: { slotCount: 1 } },
    settings: { queueWaitMs: Infinity },
  });
  const lease = await bench.ready("a");
  const background = bench.acquire("a", { priority: -1 });
  await bench.pass(5 * 3_600_000);
  const newcomer = bench.acquire("a", { priority: 0 });
  await settle();
  lease[Symbol.dispose]();
  const taken = await newcomer;
  deepEqual([taken.queueMs, await isSettled(background)], [0, false]);
  taken[Symbol.dispose]();
  equal((await background).queueMs, 5 * 3_600_000);
});
