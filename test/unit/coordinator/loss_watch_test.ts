import { equal, match, ok } from "node:assert/strict";
import { CoordinatorStartError } from "../../../lib/coordinator/coordinator_failure.ts";
import { LossWatch } from "../../../lib/coordinator/loss_watch.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A lease that is lost and found as the test says. */
class FakeLease {
  #lost = new AbortController();
  lostEndpoint: string | undefined;

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  lose(endpoint: string): void {
    this.lostEndpoint = endpoint;
    this.#lost.abort(new Error(`${endpoint} is lost`));
  }

  find(): void {
    this.#lost = new AbortController();
    this.lostEndpoint = undefined;
  }
}

async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1_000);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

Deno.test("LossWatch gives a start up whose backend stays lost, and names it", async () => {
  const [clock, lease] = [new FakeClock(), new FakeLease()];
  using watch = new LossWatch("m", lease, clock);
  await pass(clock, 60);
  equal(watch.signal.aborted, false);
  lease.lose("a:1");
  await pass(clock, 4);
  equal(watch.signal.aborted, false);
  await pass(clock, 3);
  const { reason } = watch.signal;
  ok(reason instanceof CoordinatorStartError);
  equal(reason.suspectEndpoint, "a:1");
  match(reason.message, /Cannot start a coordinator for "m": a:1 is lost/);
});

Deno.test("LossWatch lets a start go on whose backend is found in time, or which is over", async () => {
  const [clock, lease] = [new FakeClock(), new FakeLease()];
  const watch = new LossWatch("m", lease, clock);
  for (let outage = 0; outage < 3; outage++) {
    lease.lose("a:1");
    await pass(clock, 4);
    lease.find();
    await pass(clock, 4);
  }
  equal(watch.signal.aborted, false);
  watch[Symbol.dispose]();
  lease.lose("a:1");
  await pass(clock, 60);
  equal(watch.signal.aborted, false);
});
