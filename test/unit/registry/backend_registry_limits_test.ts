import { equal } from "node:assert/strict";
import { RegistryBed } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";

Deno.test("an answer that comes after the trust was changed is trusted for the new time", async () => {
  await using bed = new RegistryBed({ trustMs: 60_000 });
  bed.add(A);
  await bed.settle();
  bed.registry.setLimits({ trustMs: 10_000, probeTimeoutMs: 2_000 });
  await bed.pass(59_000);
  equal(bed.probeCount(A), 1, "what was planned stays");
  await bed.pass(2_000);
  equal(bed.probeCount(A), 2);
  await bed.pass(12_000);
  equal(bed.probeCount(A), 3);
});

Deno.test("a refresh waits for the time of a probe as it is now", async () => {
  await using bed = new RegistryBed({ probeTimeoutMs: 60_000 });
  bed.answers.set(A, "hangs");
  bed.registry.setLimits({ trustMs: 60_000, probeTimeoutMs: 1_000 });
  bed.add(A);
  let isOver = false;
  void bed.registry.refresh().then(() => isOver = true);
  await bed.pass(1_000);
  equal(isOver, false);
  await bed.pass(1_000);
  equal(isOver, true);
});
