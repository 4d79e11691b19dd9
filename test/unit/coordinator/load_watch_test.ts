import { deepEqual } from "node:assert/strict";
import { LoadWatch } from "../../../lib/coordinator/load_watch.ts";
import type { LoadProgress } from "../../../lib/pool/pooled.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A load of 1000 bytes of which so many have arrived, one number for each second. */
class LoadBed {
  readonly clock = new FakeClock(0);
  readonly told: LoadProgress[] = [];
  askedCount = 0;
  readonly watch: LoadWatch;

  constructor(sent: (number | undefined)[] = [], totalBytes = 1_000) {
    this.watch = new LoadWatch({
      onProgress: (progress) => this.told.push(progress),
      totalBytes,
      readSentBytes: () => {
        this.askedCount++;
        return Promise.resolve(sent.shift());
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

for (
  const { name, totalBytes, wantAsked } of [
    { name: "where nobody knows them, and asks no more", totalBytes: 1_000, wantAsked: 1 },
    { name: "of a model that stays here", totalBytes: 0, wantAsked: 0 },
  ]
) {
  Deno.test(`LoadWatch tells no bytes ${name}`, async () => {
    const bed = new LoadBed([undefined, 5, 6], totalBytes);
    using watch = bed.watch;
    watch.hear({ type: "loading" });
    await bed.pass(5);
    deepEqual(bed.told, [{ stage: "connecting" }, { stage: "loading" }]);
    deepEqual(bed.askedCount, wantAsked);
  });
}

Deno.test("LoadWatch tells nothing after its end", async () => {
  const bed = new LoadBed([1, 2, 3]);
  bed.watch.hear({ type: "loading" });
  bed.watch[Symbol.dispose]();
  await bed.pass(3);
  deepEqual(bed.told.length, 2);
});
