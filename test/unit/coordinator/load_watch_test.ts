import { deepEqual, equal, ok } from "node:assert/strict";
import { LoadWatch, StalledLoad } from "../../../lib/coordinator/load_watch.ts";
import type { LoadProgress } from "../../../lib/pool/pooled.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A load of 1000 bytes of which so many have arrived, one number for each second; the last one stays. */
class LoadBed {
  readonly clock = new FakeClock(0);
  readonly told: LoadProgress[] = [];
  askedCount = 0;
  readonly watch: LoadWatch;

  constructor(sent: (number | undefined)[] = [], totalBytes = 1_000, endpoints = ["10.0.0.1:50052"]) {
    this.watch = new LoadWatch({
      onProgress: (progress) => this.told.push(progress),
      totalBytes,
      endpoints,
      patience: { stallMs: 30_000 },
      look: () => {
        this.askedCount++;
        const ackedBytes = sent.length > 1 ? sent.shift() : sent[0];
        if (ackedBytes === undefined) return Promise.resolve(undefined);
        const remote = "10.0.0.1:50052";
        return Promise.resolve({
          connections: [{ inode: 1, remote, ackedBytes, receivedBytes: 0, waitingBytes: 1 }],
          work: { cpuMs: 0, readBytes: 0, majorFaultCount: 0, waitsForDisk: false },
        });
      },
      clock: this.clock,
    });
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1_000);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }
}

Deno.test("LoadWatch tells the stages in their order, each once", () => {
  const bed = new LoadBed();
  using watch = bed.watch;
  for (const type of ["device_info", "loading", "loading", "warming_up", "loading", "warming_up"] as const) {
    watch.hear({ type });
  }
  deepEqual(bed.told.map(({ stage }) => stage), ["connecting", "loading", "warming up"]);
});

Deno.test("LoadWatch of a model without rpc backends tells that it loads, and looks at nothing", async () => {
  const bed = new LoadBed([10], 1_000, []);
  using watch = bed.watch;
  for (const type of ["device_info", "loading"] as const) watch.hear({ type });
  await bed.pass(120);
  watch.hear({ type: "warming_up" });
  deepEqual(bed.told, [{ stage: "loading" }, { stage: "warming up" }]);
  equal(bed.askedCount, 0);
  ok(!watch.stalled.aborted);
});

Deno.test("LoadWatch tells each second what has arrived: never less than before, never more than there is", async () => {
  const bed = new LoadBed([10, 400, 390, 1_200]);
  using watch = bed.watch;
  await bed.pass(3);
  watch.hear({ type: "loading" });
  await bed.pass(4);
  watch.hear({ type: "warming_up" });
  await bed.pass(3);
  const bytes = (sentBytes: number) => ({ stage: "loading", sentBytes, totalBytes: 1_000 });
  deepEqual(bed.told, [
    { stage: "connecting" },
    { stage: "loading" },
    ...[10, 400, 400, 1_000].map(bytes),
    { stage: "warming up" },
  ]);
  deepEqual(bed.askedCount, 4);
});

Deno.test("LoadWatch tells no bytes while nobody knows them, and asks on", async () => {
  const bed = new LoadBed([undefined, undefined, 5]);
  using watch = bed.watch;
  watch.hear({ type: "loading" });
  await bed.pass(3);
  const bytes = { stage: "loading", sentBytes: 5, totalBytes: 1_000 } as const;
  deepEqual(bed.told, [{ stage: "connecting" }, { stage: "loading" }, bytes]);
});

Deno.test("LoadWatch asks nobody about a model that stays here", async () => {
  const bed = new LoadBed([5], 0);
  using watch = bed.watch;
  watch.hear({ type: "loading" });
  await bed.pass(5);
  deepEqual(bed.told, [{ stage: "connecting" }, { stage: "loading" }]);
  equal(bed.askedCount, 0);
});

Deno.test("LoadWatch says that a load hangs, once, and how far it was", async () => {
  const bed = new LoadBed([10, 400]);
  using watch = bed.watch;
  watch.hear({ type: "loading" });
  await bed.pass(31);
  equal(watch.stalled.aborted, false);
  await bed.pass(1);
  const { reason } = watch.stalled;
  ok(reason instanceof StalledLoad);
  deepEqual(reason.facts, {
    stillMs: 30_000,
    deafEndpoint: "10.0.0.1:50052",
    sentBytes: 400,
    totalBytes: 1_000,
  });
  await bed.pass(10);
  equal(bed.askedCount, 32);
});

for (
  const { name, type, mayHang } of [
    { name: "notices that it hangs before the first weights", type: "device_info", mayHang: true },
    { name: "does not judge one that warms up", type: "warming_up", mayHang: false },
    { name: "does not judge one whose backends have not answered it", type: "listening", mayHang: false },
  ] as const
) {
  Deno.test(`LoadWatch ${name}`, async () => {
    const bed = new LoadBed([1]);
    using watch = bed.watch;
    if (type === "warming_up") watch.hear({ type: "loading" });
    watch.hear(type === "listening" ? { type, url: "http://127.0.0.1:1" } : { type });
    await bed.pass(600);
    equal(watch.stalled.aborted, mayHang);
  });
}

Deno.test("LoadWatch tells nothing after its end", async () => {
  const bed = new LoadBed([1, 2, 3]);
  bed.watch.hear({ type: "loading" });
  bed.watch[Symbol.dispose]();
  await bed.pass(3);
  deepEqual(bed.told.length, 2);
});
