import { deepEqual, equal, ok } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ConnectionGuard, type Guarded } from "../../../lib/serving/connection_guard.ts";
import { ConnectionMetrics } from "../../../lib/serving/connection_metrics.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

const PORT = 0x2cab;

/** A guard whose clock and kernel the test plays. */
class GuardBed implements AsyncDisposable {
  readonly clock = new FakeClock(0);
  readonly cut: number[] = [];
  readCount = 0;
  tables: () => Promise<string | undefined> = () => Promise.resolve("");
  readonly guard = new ConnectionGuard({
    config: {
      limits: { connectionCount: 1_000, connectionsPerClient: 1_000 },
      timeouts: { clientHeaderMs: 500, clientIdleMs: 1_000 },
    },
    clock: this.clock,
    logger: new RecordedLog().logger,
    metrics: new ConnectionMetrics(),
    readTables: () => {
      this.readCount++;
      return this.tables();
    },
  });

  constructor() {
    this.guard.servesAt(PORT);
  }

  /** One that has had an answer. */
  kept(remotePort: number): Guarded {
    const guarded = this.guard.add("192.168.1.20", {
      remotePort,
      leave: () => {},
      cut: () => void this.cut.push(remotePort),
    });
    this.guard.asked(guarded);
    this.guard.answered(guarded);
    return guarded;
  }

  async passes(ms: number): Promise<void> {
    for (let left = ms; left > 0; left--) {
      this.clock.advance(1);
      await setImmediate();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guard[Symbol.asyncDispose]();
  }
}

Deno.test("the kernel is asked a few times a second, however many connections become idle one after the other", async () => {
  await using bed = new GuardBed();
  for (let port = 1; port <= 100; port++) {
    bed.kept(port);
    await bed.passes(1);
  }
  await bed.passes(1_100);
  equal(bed.cut.length, 100);
  ok(bed.readCount <= 4, `${bed.readCount} times within 100 ms`);
});

Deno.test("who asks while the kernel is asked is not idle", async () => {
  await using bed = new GuardBed();
  const answer = Promise.withResolvers<string>();
  bed.tables = () => answer.promise;
  const [asking, asked] = [bed.kept(1), bed.kept(2), bed.kept(3)];
  await bed.passes(1_050);
  bed.guard.asked(asking!);
  bed.guard.asked(asked!);
  bed.guard.answered(asked!);
  answer.resolve("");
  await setImmediate();
  deepEqual([bed.cut, bed.readCount], [[3], 1]);
});

Deno.test("who still reads its last answer is not idle, until it stops", async () => {
  await using bed = new GuardBed();
  let unreadBytes = 0x4000;
  bed.tables = () =>
    Promise.resolve(
      `   1: 0100007F:2CAB 1401A8C0:0001 01 ${
        unreadBytes.toString(16).toUpperCase().padStart(8, "0")
      }:00000000 01:00000014 00000000     0        0 2 1 0 20 4 30 10 -1`,
    );
  bed.kept(1);
  for (; unreadBytes > 0x1000; unreadBytes -= 0x1000) await bed.passes(2_100); // twice the same, as it may happen
  deepEqual(bed.cut, []);
  await bed.passes(5_000);
  deepEqual(bed.cut, [1]);
});
