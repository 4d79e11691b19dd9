import { equal, match } from "node:assert/strict";
import { ProgramWatch } from "../../../lib/service/program_watch.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A program whose file the test replaces. */
class ProgramBed {
  stamp: string | undefined = "first";
  lookCount = 0;
  readonly clock = new FakeClock(0);

  watch(path: string | undefined = "/usr/local/bin/sollol"): ProgramWatch {
    return new ProgramWatch({
      path,
      version: "0.1.0",
      clock: this.clock,
      readStamp: () => {
        this.lookCount++;
        return this.stamp;
      },
    });
  }

  /** What it says half a minute later. */
  later(watch: ProgramWatch): string | undefined {
    this.clock.advance(30_000);
    return watch.restartNeeded;
  }
}

for (
  const { name, stamp } of [{ name: "replaced", stamp: "second" }, { name: "removed", stamp: undefined }]
) {
  Deno.test(`a program that was ${name} says that it should be restarted, until its file is back`, () => {
    const bed = new ProgramBed();
    const watch = bed.watch();
    equal(bed.later(watch), undefined);
    bed.stamp = stamp;
    match(
      bed.later(watch) ?? "",
      /^runs 0\.1\.0, but \/usr\/local\/bin\/sollol was replaced .* restart sollol$/,
    );
    bed.stamp = "first";
    equal(bed.later(watch), undefined);
  });
}

Deno.test("the program's file is looked at every 30 s at most, however often somebody asks", () => {
  const bed = new ProgramBed();
  const watch = bed.watch();
  bed.stamp = "second";
  for (let count = 0; count < 1_000; count++) equal(watch.restartNeeded, undefined);
  equal(bed.lookCount, 1);
  match(bed.later(watch) ?? "", /was replaced/);
  for (let count = 0; count < 1_000; count++) match(watch.restartNeeded ?? "", /was replaced/);
  equal(bed.lookCount, 2);
});

Deno.test("a program that runs from its source, or whose file cannot be seen, never asks for a restart", () => {
  const bed = new ProgramBed();
  equal(bed.later(new ProgramWatch({ path: undefined, version: "0.1.0", clock: bed.clock })), undefined);
  bed.stamp = undefined;
  const watch = bed.watch();
  bed.stamp = "second";
  equal(bed.later(watch), undefined);
});
