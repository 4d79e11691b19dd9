import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { RequestLine } from "../../../lib/queue/request_line.ts";
import { type WaitDemand, Waiter } from "../../../lib/queue/waiter.ts";
import { WaitingRoom } from "../../../lib/queue/waiting_room.ts";

/** One that waits since `sinceMs`, and keeps what it was refused with. */
class FakeWaiter extends Waiter {
  readonly refusals: unknown[];
  isHeldUp = true;

  constructor(
    readonly name: string,
    { key = "a", sinceMs = 0, signal = new AbortController().signal, ...demand }:
      & { key?: string; sinceMs?: number }
      & Partial<WaitDemand> = {},
  ) {
    const refusals: unknown[] = [];
    super({
      key,
      model: key,
      demand: { signal, ...demand },
      sinceMs,
      refuse: (reason) => refusals.push(reason),
    });
    this.refusals = refusals;
  }

  queueMs(nowMs: number): number {
    return nowMs - this.sinceMs;
  }

  because(): string {
    return "waits for a test";
  }
}

/** A line with room for `maxCount`. */
function bench(maxCount = 100) {
  const room = new WaitingRoom(() => maxCount);
  let leftCount = 0;
  const line = new RequestLine<FakeWaiter>(room, () => leftCount++);
  const names = () => [...line].map(({ name }) => name).join(" ");
  return { room, line, names, leftCount: () => leftCount };
}

/** The code of the only refusal. */
function codeOf({ refusals }: FakeWaiter): string {
  equal(refusals.length, 1);
  ok(refusals[0] instanceof GatewayError);
  return refusals[0].code;
}

Deno.test("a request waits with priority 5 if it does not say which", () => {
  const { line, names } = bench();
  for (const priority of [4, undefined, 6]) line.add(new FakeWaiter(String(priority), { priority }));
  equal(names(), "6 undefined 4");
});

Deno.test("a request line knows who waits for what, best first, and since when", () => {
  const { line } = bench();
  line.add(new FakeWaiter("1", { sinceMs: 20 }));
  line.add(new FakeWaiter("2", { key: "b", sinceMs: 30, priority: 9 }));
  line.add(new FakeWaiter("3", { sinceMs: 10, priority: 1 }));
  deepEqual([line.size, line.keyCount, line.countOf("a"), line.countOf("b")], [3, 2, 2, 1]);
  deepEqual(line.keys, ["b", "a"]);
  deepEqual([line.oldestMs("a"), line.oldestMs("b"), line.oldestMs("c")], [10, 30, Infinity]);
});

Deno.test("a request whose client leaves is refused with the signal's reason, and makes room", () => {
  const { line, room, leftCount } = bench();
  const client = new AbortController();
  const waiter = new FakeWaiter("1", { signal: client.signal });
  line.add(waiter);
  line.add(new FakeWaiter("2"));
  const reason = new Error("left");
  client.abort(reason);
  deepEqual(waiter.refusals, [reason]);
  deepEqual([line.size, room.count, leftCount()], [1, 1, 1]);
});

Deno.test("a request whose turn has come does not hear its client leave, and makes room once", () => {
  const { line, room, leftCount } = bench();
  const client = new AbortController();
  const waiter = new FakeWaiter("1", { signal: client.signal });
  line.add(waiter);
  line.remove(waiter);
  line.remove(waiter);
  client.abort();
  deepEqual([waiter.refusals.length, line.size, room.count, leftCount()], [0, 0, 0, 0]);
});

Deno.test("all who wait for one key are refused, nobody else", () => {
  const { line, room, names } = bench();
  const [first, other, second] = [
    new FakeWaiter("1"),
    new FakeWaiter("2", { key: "b" }),
    new FakeWaiter("3"),
  ];
  for (const waiter of [first, other, second]) line.add(waiter);
  const reason = new Error("gone");
  line.refuse("a", reason);
  deepEqual([first.refusals, second.refusals, other.refusals], [[reason], [reason], []]);
  deepEqual([names(), room.count], ["2", 1]);
});

Deno.test("who has waited for too long is refused with what it waited for, the others are told of in time", () => {
  const { line, names } = bench();
  const [settings, own, patient] = [
    new FakeWaiter("as the settings say", { sinceMs: 0 }),
    new FakeWaiter("as it said", { sinceMs: 50, maxWaitMs: 50 }),
    new FakeWaiter("patient", { sinceMs: 0, maxWaitMs: 1_000 }),
  ];
  for (const waiter of [settings, own, patient]) line.add(waiter);
  deepEqual(line.refuseOverdue(99, 100), { refusedCount: 0, nextMs: 100 });
  deepEqual(line.refuseOverdue(100, 100), { refusedCount: 2, nextMs: 1_000 });
  deepEqual([codeOf(settings), codeOf(own), names()], ["no_capacity", "no_capacity", "patient"]);
  match(
    String(settings.refusals[0]),
    /Cannot serve "a" now: the request has waited 100 ms for others, and "a" waits for a test; .* raise limits\.queue_wait$/,
  );
  match(String(own.refusals[0]), /has waited 50 ms for others.* let it wait longer$/);
});

Deno.test("who waits for ever is never overdue", () => {
  const { line } = bench();
  line.add(new FakeWaiter("1", { maxWaitMs: Infinity }));
  deepEqual(line.refuseOverdue(1e12, 1), { refusedCount: 0, nextMs: Infinity });
});

Deno.test("who does not wait for others now is not overdue", () => {
  const { line } = bench();
  const waiter = new FakeWaiter("1");
  waiter.isHeldUp = false;
  line.add(waiter);
  deepEqual(line.refuseOverdue(1_000, 1), { refusedCount: 0, nextMs: Infinity });
  waiter.isHeldUp = true;
  deepEqual(line.refuseOverdue(1_000, 1), { refusedCount: 1, nextMs: Infinity });
});

Deno.test("two lines fill one room together", () => {
  const room = new WaitingRoom(() => 2);
  const lines = [new RequestLine<FakeWaiter>(room), new RequestLine<FakeWaiter>(room)] as const;
  const waiter = new FakeWaiter("1");
  lines[0].add(waiter);
  equal(lines[1].refusal("m"), undefined);
  lines[1].add(new FakeWaiter("2"));
  for (const line of lines) equal((line.refusal("m") as GatewayError).code, "rate_limited");
  equal(lines[0].refusal("m", { isBounded: false }), undefined);
  lines[0].remove(waiter);
  equal(lines[1].refusal("m"), undefined);
});

Deno.test("work in the background keeps nobody else out, and leaves its own place however it ends", () => {
  const { line, room } = bench(2);
  const client = new AbortController();
  const waiters = [
    new FakeWaiter("left", { priority: -1, signal: client.signal }),
    new FakeWaiter("served", { priority: -1_000 }),
  ] as const;
  for (const waiter of waiters) line.add(waiter);
  equal((line.refusal("m", { priority: -1 }) as GatewayError).code, "rate_limited");
  deepEqual([line.refusal("m"), line.refusal("m", { priority: 0 })], [undefined, undefined]);
  client.abort(new Error("left"));
  deepEqual([line.refusal("m", { priority: -1 }), room.count], [undefined, 1]);
  line.remove(waiters[1]);
  equal(room.count, 0);
  for (let count = 0; count < 2; count++) line.add(new FakeWaiter("asked", { priority: 0 }));
  equal((line.refusal("m") as GatewayError).code, "rate_limited");
  equal(line.refusal("m", { priority: -1 }), undefined);
});

Deno.test("a closed line refuses who waits and who comes, also where there is no bound", () => {
  const { line, room } = bench();
  const waiter = new FakeWaiter("1");
  line.add(waiter);
  line.close();
  line.close();
  deepEqual([codeOf(waiter), line.size, room.count], ["shutting_down", 0, 0]);
  for (const isBounded of [true, false]) {
    equal((line.refusal("m", { isBounded }) as GatewayError).code, "shutting_down");
  }
});
