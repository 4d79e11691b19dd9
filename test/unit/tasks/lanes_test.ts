import { deepEqual, equal } from "node:assert/strict";
import { Lanes, type LaneSource } from "../../../lib/tasks/lanes.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A source of that many pieces, each of which ends when told to. */
class Pieces implements LaneSource {
  readonly underWay: PromiseWithResolvers<void>[] = [];
  begunCount = 0;
  dueAtMs = Infinity;

  constructor(private leftCount: number, private readonly begun: (source: Pieces) => void = () => {}) {}

  begin(nowMs: number): Promise<void> | undefined {
    if (this.leftCount === 0 || (this.dueAtMs !== Infinity && this.dueAtMs > nowMs)) return undefined;
    this.leftCount--;
    this.begunCount++;
    this.begun(this);
    const piece = Promise.withResolvers<void>();
    this.underWay.push(piece);
    return piece.promise;
  }

  async endOne(): Promise<void> {
    this.underWay.shift()!.resolve();
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let count = 0; count < 5; count++) await Promise.resolve();
}

Deno.test("Lanes has no more under way than allowed, and begins the next when one ends", async () => {
  const lanes = new Lanes({ limit: () => 2, clock: new FakeClock() });
  const source = new Pieces(3);
  lanes.add(source);
  deepEqual([source.begunCount, lanes.runningCount], [2, 2]);
  await source.endOne();
  deepEqual([source.begunCount, lanes.runningCount], [3, 2]);
  await source.endOne();
  equal(lanes.runningCount, 1);
});

Deno.test("Lanes gives sources turns, whatever the first one has", async () => {
  const lanes = new Lanes({ limit: () => 1, clock: new FakeClock() });
  const order: string[] = [];
  const many = new Pieces(100, () => order.push("many"));
  const few = new Pieces(2, () => order.push("few"));
  lanes.add(many);
  lanes.add(few);
  for (let count = 0; count < 5; count++) await (order.at(-1) === "many" ? many : few).endOne();
  deepEqual(order, ["many", "many", "few", "many", "few", "many"]);
});

Deno.test("Lanes follows a limit that grows", () => {
  let limit = 1;
  const lanes = new Lanes({ limit: () => limit, clock: new FakeClock() });
  const source = new Pieces(5);
  lanes.add(source);
  limit = 4;
  lanes.advance();
  equal(source.begunCount, 4);
});

Deno.test("Lanes asks a source again when its time has come", async () => {
  const clock = new FakeClock();
  await using lanes = new Lanes({ limit: () => 4, clock });
  const source = new Pieces(1);
  source.dueAtMs = clock.monotonic() + 500;
  lanes.add(source);
  equal(source.begunCount, 0);
  clock.advance(500);
  await settled();
  equal(source.begunCount, 1);
  await source.endOne();
});

Deno.test("Lanes begins nothing for a source that was removed, nor once it is closed, and waits for the rest", async () => {
  const lanes = new Lanes({ limit: () => 1, clock: new FakeClock() });
  const [removed, other] = [new Pieces(2), new Pieces(2)];
  lanes.add(removed);
  lanes.add(other);
  lanes.remove(removed);
  await removed.endOne();
  deepEqual([removed.begunCount, other.begunCount], [1, 1]);
  let isClosed = false;
  const closed = lanes[Symbol.asyncDispose]().then(() => isClosed = true);
  await settled();
  equal(isClosed, false);
  await other.endOne();
  await closed;
  equal(other.begunCount, 1);
});
