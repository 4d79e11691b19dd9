import { deepEqual, equal } from "node:assert/strict";
import { type Delivery, EventBus } from "../../lib/bus.ts";

const event = <E>(told: E): Delivery<E> => ({ kind: "event", event: told });
const missed = (count: number): Delivery<never> => ({ kind: "missed", count });

/** A bus of numbers with one subscriber, and what ends it. */
function listen(capacity?: number) {
  const bus = new EventBus<number>();
  const leaving = new AbortController();
  const subscription = bus.subscribe({
    signal: leaving.signal,
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { bus, leaving, subscription };
}

async function take<E>(from: AsyncGenerator<E, void>, count: number): Promise<E[]> {
  const taken: E[] = [];
  while (taken.length < count) {
    const next = await from.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

function publish(bus: EventBus<number>, from: number, to: number): void {
  for (let told = from; told <= to; told++) bus.publish(told);
}

Deno.test("a subscriber gets all events in order, from the moment that it subscribes", async () => {
  const { bus, subscription } = listen();
  publish(bus, 1, 2); // nobody has asked for the first one yet
  deepEqual(await take(subscription, 2), [event(1), event(2)]);
  const later = take(subscription, 2);
  publish(bus, 3, 4);
  deepEqual(await later, [event(3), event(4)]);
});

Deno.test("a subscriber does not get what was published before", async () => {
  const { bus } = listen();
  bus.publish(1);
  const late = bus.subscribe({ signal: new AbortController().signal });
  bus.publish(2);
  deepEqual(await take(late, 1), [event(2)]);
});

Deno.test("each subscriber reads at its own pace", async () => {
  const { bus, subscription } = listen();
  const other = bus.subscribe({ signal: new AbortController().signal });
  publish(bus, 1, 3);
  deepEqual(await take(other, 3), [1, 2, 3].map(event));
  publish(bus, 4, 4);
  deepEqual(await take(subscription, 4), [1, 2, 3, 4].map(event));
});

Deno.test("who is too slow is told how many it missed, where they are lacking", async () => {
  const { bus, subscription } = listen(3);
  publish(bus, 1, 5); // 4 and 5 are too many
  deepEqual(await take(subscription, 2), [event(1), event(2)]);
  publish(bus, 6, 6);
  deepEqual(await take(subscription, 3), [event(3), missed(2), event(6)]);
  publish(bus, 7, 7);
  deepEqual(await take(subscription, 1), [event(7)]);
});

Deno.test("who never catches up is told of each gap, and costs bounded memory", async () => {
  const { bus, subscription } = listen(2);
  const told: Delivery<number>[] = [];
  for (let round = 0; round < 50; round++) {
    publish(bus, 1, 10);
    told.push(...await take(subscription, 2));
  }
  told.push(...await take(subscription, 1)); // the last gap
  const counts = told.map((delivery) => delivery.kind === "event" ? 1 : delivery.count);
  equal(counts.reduce((sum, count) => sum + count), 500);
  deepEqual(told.slice(0, 5), [event(1), event(2), missed(8), event(1), missed(9)]);
});

Deno.test("an event may be undefined, null or false", async () => {
  const bus = new EventBus<undefined | null | boolean>();
  const subscription = bus.subscribe({ signal: new AbortController().signal });
  for (const told of [undefined, null, false]) bus.publish(told);
  deepEqual(await take(subscription, 3), [undefined, null, false].map(event));
});

Deno.test("an abort ends the loop of a subscriber that waits", async () => {
  const { bus, leaving, subscription } = listen();
  const waiting = subscription.next();
  leaving.abort();
  deepEqual(await waiting, { done: true, value: undefined });
  equal(bus.size, 0);
});

Deno.test("an abort ends it also while there is something to read, and nothing comes later", async () => {
  const { bus, leaving, subscription } = listen();
  publish(bus, 1, 2);
  deepEqual(await take(subscription, 1), [event(1)]);
  leaving.abort();
  bus.publish(3);
  deepEqual(await take(subscription, 1), []);
});

Deno.test("who leaves before it begins, or had left already, is forgotten", async () => {
  const { bus, leaving } = listen();
  equal(bus.size, 1);
  leaving.abort();
  equal(bus.size, 0);
  const late = bus.subscribe({ signal: AbortSignal.abort() });
  equal(bus.size, 0);
  deepEqual(await take(late, 1), []);
});

Deno.test("a loop that is left, also by an exception, ends the subscription", async () => {
  const { bus, subscription } = listen();
  publish(bus, 1, 3);
  for await (const delivery of subscription) {
    deepEqual(delivery, event(1));
    break;
  }
  equal(bus.size, 0);
  const failing = bus.subscribe({ signal: new AbortController().signal });
  bus.publish(4);
  const fails = async () => {
    for await (const _ of failing) throw new Error("mine");
  };
  equal(await fails().catch((error: Error) => error.message), "mine");
  equal(bus.size, 0);
});

Deno.test("one subscriber that leaves while all are told does not keep the others from it", async () => {
  const { bus, leaving, subscription } = listen();
  const others = [1, 2].map(() => bus.subscribe({ signal: new AbortController().signal }));
  leaving.abort();
  bus.publish(7);
  deepEqual(await Promise.all(others.map((other) => take(other, 1))), [[event(7)], [event(7)]]);
  deepEqual(await take(subscription, 1), []);
});
