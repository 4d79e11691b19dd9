import { deepEqual, equal, rejects } from "node:assert/strict";
import { PAUSE, withPauses } from "../../../routes/with_pauses.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** Gives what the test says, when it says; heeds no signal. */
class Values implements AsyncIterable<number> {
  #next = Promise.withResolvers<IteratorResult<number>>();
  isLeft = false;

  give(value: number): void {
    this.#next.resolve({ done: false, value });
  }

  end(): void {
    this.#next.resolve({ done: true, value: undefined });
  }

  fail(error: Error): void {
    this.#next.reject(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    return {
      next: async () => {
        const result = await this.#next.promise;
        this.#next = Promise.withResolvers();
        return result;
      },
      return: () => {
        this.isLeft = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

function open() {
  const [values, clock, stop] = [new Values(), new FakeClock(), new AbortController()];
  return { values, clock, stop, read: withPauses(values, 100, { clock, signal: stop.signal }) };
}

Deno.test("withPauses() passes values on, tells of each pause, and ends with them", async () => {
  const { values, clock, read } = open();
  values.give(1);
  deepEqual(await read.next(), { done: false, value: 1 });
  for (let pause = 0; pause < 3; pause++) {
    const next = read.next();
    await settled();
    clock.advance(100);
    deepEqual(await next, { done: false, value: PAUSE });
  }
  values.give(2);
  deepEqual(await read.next(), { done: false, value: 2 });
  values.end();
  deepEqual(await read.next(), { done: true, value: undefined });
  equal(values.isLeft, true);
});

Deno.test("withPauses() tells of no pause while values come often enough", async () => {
  const { values, clock, read } = open();
  for (let count = 0; count < 5; count++) {
    const next = read.next();
    await settled();
    clock.advance(99);
    values.give(count);
    deepEqual(await next, { done: false, value: count });
  }
});

Deno.test("withPauses() gives what came while nobody read", async () => {
  const { values, clock, read } = open();
  const pause = read.next();
  await settled();
  clock.advance(100);
  await pause;
  values.give(7);
  await settled();
  clock.advance(1_000);
  deepEqual(await read.next(), { done: false, value: 7 });
});

Deno.test("withPauses() ends at once by its signal, also where the values do not heed it", async () => {
  const { values, stop, read } = open();
  const next = read.next();
  await settled();
  stop.abort();
  deepEqual(await next, { done: true, value: undefined });
  equal(values.isLeft, true);
  values.fail(new Error("told to nobody"));
  await settled();
});

Deno.test("withPauses() of a signal that has aborted gives nothing", async () => {
  const { values, stop, read } = open();
  stop.abort();
  values.give(1);
  equal((await read.next()).done, true);
});

Deno.test("withPauses() throws what the values do, but not once it was told to end", async () => {
  const first = open();
  first.values.fail(new Error("broken"));
  await rejects(first.read.next(), /broken/);
  const second = open();
  const next = second.read.next();
  await settled();
  second.values.fail(new Error("broken"));
  second.stop.abort();
  equal((await next).done, true);
});

Deno.test("withPauses() that is left lets go of the values", async () => {
  const { values, read } = open();
  values.give(1);
  await read.next();
  await read.return();
  equal(values.isLeft, true);
});
