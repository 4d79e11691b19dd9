import { equal } from "node:assert/strict";
import { SlicedWait } from "../../lib/sliced_wait.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

Deno.test("a slice ends with its time or with the work, however that ends", async () => {
  for (const settle of ["resolve", "reject"] as const) {
    const clock = new FakeClock();
    const work = Promise.withResolvers<string>();
    const wait = new SlicedWait(work.promise, clock);
    const first = wait.isOverWithin(100);
    clock.advance(100);
    equal(await first, false);
    const second = wait.isOverWithin(100);
    work[settle]("outcome");
    equal(await second, true);
    equal(await wait.isOverWithin(100), true, "and from then on it is over at once");
  }
});
