import { deepEqual, equal, match } from "node:assert/strict";
import type { Fault } from "../../../lib/coordinator/coordinator_failure.ts";
import type { CoordinatorLook } from "../../../lib/coordinator/stall_judge.ts";
import { watchForStall } from "../../../lib/coordinator/stall_watch.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const IDLE: CoordinatorLook = { kind: "slots", slots: [] };
const BUSY: CoordinatorLook = {
  kind: "slots",
  slots: [{
    id: 0,
    isProcessing: true,
    taskId: 1,
    promptTokens: 15,
    promptTokensCached: 0,
    promptTokensProcessed: 10,
    tokensDecoded: 5,
  }],
};

/** A coordinator under watch, with its own time. */
class WatchBed implements AsyncDisposable {
  readonly clock = new FakeClock(0);
  readonly end = new AbortController();
  readonly lookedAtMs: number[] = [];
  losing = new AbortController();
  readonly lostEndpoint = "a:1";
  #found: Fault | undefined;
  readonly #watching: Promise<void>;

  constructor(lookAt: (ms: number) => CoordinatorLook) {
    this.#watching = watchForStall({
      look: () => {
        this.end.signal.throwIfAborted();
        this.lookedAtMs.push(this.clock.now());
        return Promise.resolve(lookAt(this.clock.now()));
      },
      stallMs: 30_000,
      isMultimodal: false,
      lease: this,
      signal: this.end.signal,
      clock: this.clock,
    }).then((fault) => void (this.#found = fault));
  }

  get lost(): AbortSignal {
    return this.losing.signal;
  }

  found(): Fault | undefined {
    return this.#found;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      await this.settle();
      this.clock.advance(500);
    }
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end.abort();
    await this.#watching;
  }
}

Deno.test("an idle coordinator is looked at each 5 s, one that computes each second", async () => {
  await using bed = new WatchBed((ms) => ms < 10_000 ? IDLE : BUSY);
  await bed.pass(13_000);
  deepEqual(bed.lookedAtMs, [5_000, 10_000, 11_000, 12_000, 13_000]);
});

Deno.test("an answer that stands still is found", async () => {
  await using bed = new WatchBed(() => BUSY);
  await bed.pass(34_000);
  equal(bed.found(), undefined);
  await bed.pass(2_000);
  match(bed.found()?.reason ?? "", /^its answer made no progress for 30\.0 s/);
});

Deno.test("an idle coordinator whose backend is said to be lost is given up at once, by name", async () => {
  await using bed = new WatchBed(() => IDLE);
  await bed.pass(6_000);
  bed.losing.abort(new Error("a:1 has ended"));
  await bed.pass(1_000);
  deepEqual(bed.found(), { reason: "a:1 has ended", suspectEndpoint: "a:1" });
});

Deno.test("one that computes while its backend is said to be lost gets seconds, and the loss is told", async () => {
  await using bed = new WatchBed(() => BUSY);
  await bed.pass(6_000);
  bed.losing.abort(new Error("a:1 fell silent"));
  await bed.pass(2_000);
  equal(bed.found(), undefined);
  await bed.pass(3_000);
  match(bed.found()?.reason ?? "", /^its answer made no progress for 5\.0 s, .* \(a:1 fell silent\)$/);
  equal(bed.found()?.suspectEndpoint, "a:1");
});

Deno.test("one that answers nothing is not blamed on a backend that is said to be lost", async () => {
  await using bed = new WatchBed((ms) => ({ kind: "silent", askedMs: ms }));
  bed.losing.abort(new Error("a:1 fell silent"));
  await bed.pass(15_000);
  match(bed.found()?.reason ?? "", /^its process has answered nothing/);
  equal(bed.found()?.suspectEndpoint, undefined);
});

Deno.test("a loss that is over before it computes is forgotten", async () => {
  await using bed = new WatchBed((ms) => ms < 8_000 ? BUSY : IDLE);
  bed.losing.abort(new Error("a:1 fell silent"));
  await bed.settle();
  bed.losing = new AbortController();
  await bed.pass(60_000);
  equal(bed.found(), undefined);
});

Deno.test("the end of the process ends the watch, also amid a look", async () => {
  const bed = new WatchBed(() => IDLE);
  await bed.pass(1_000);
  await bed[Symbol.asyncDispose]();
  equal(bed.found(), undefined);
});
