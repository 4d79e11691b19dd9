import { deepEqual, equal } from "node:assert/strict";
import { interleaved } from "../../../lib/model_management/interleaved.ts";

async function* counting(count: number, onTurn: () => void = () => {}): AsyncGenerator<number> {
  for (let value = 0; value < count; value++) {
    onTurn();
    yield value;
    await Promise.resolve();
  }
}

Deno.test("all values of all sources come, each source's in order", async () => {
  const named = (name: string, count: number) =>
    (async function* () {
      for await (const value of counting(count)) yield [name, value] as const;
    })();
  const seen = await Array.fromAsync(interleaved([named("a", 3), named("b", 50), named("c", 0)], () => {}));
  const of = (wanted: string) => seen.filter(([name]) => name === wanted).map(([, value]) => value);
  deepEqual([of("a"), of("b").length, of("c")], [[0, 1, 2], 50, []]);
  deepEqual(of("b"), of("b").toSorted((one, other) => one - other));
});

Deno.test("no source runs ahead of who reads", async () => {
  let turns = 0;
  const values = interleaved([counting(1_000, () => turns++)], () => {});
  await values.next();
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  equal(turns, 1);
  await values.return();
});

Deno.test("who reads no further ends the sources", async () => {
  let isStopped = false;
  let isReturned = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      while (true) yield 1;
    } finally {
      isReturned = true;
    }
  }
  for await (const _ of interleaved([endless(), endless()], () => isStopped = true)) break;
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  deepEqual([isStopped, isReturned], [true, true]);
});
