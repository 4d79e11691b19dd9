import { deepEqual, equal, throws } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { GIB } from "../../../lib/units.ts";
import { RegistryBed } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";

Deno.test("add() is idempotent, and what limits leave out stays", async () => {
  await using bed = new RegistryBed();
  bed.registry.add(parseEndpoint(A), "config", { memoryLimitBytes: GIB });
  bed.registry.add(parseEndpoint(A), "config");
  const view = bed.registry.add(parseEndpoint(A), "admin", { isExcluded: true });
  deepEqual(view.sources, ["config", "admin"]);
  deepEqual(view.limits, { memoryLimitBytes: GIB, isExcluded: true, bytesPerSecond: undefined });
  equal(bed.registry.views().length, 1);
});

Deno.test("remove() takes a source back, and the backend with the last one", async () => {
  await using bed = new RegistryBed();
  bed.registry.add(parseEndpoint(A), "config");
  bed.registry.add(parseEndpoint(A), "redis");
  await bed.settle();
  const still = bed.registry.remove(parseEndpoint(A), "config");
  deepEqual([still.outcome, still.because], ["still named", `${A} stays: redis names it still`]);
  equal(bed.registry.remove(parseEndpoint(A), "config").outcome, "unknown");
  equal(bed.registry.remove(parseEndpoint(A), "redis").outcome, "removed");
  deepEqual(bed.registry.views(), []);
  equal(bed.registry.remove(parseEndpoint(A), "redis").outcome, "unknown");
});

Deno.test("a removed backend is not asked any more, also if a probe is under way", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(A, "hangs");
  bed.add(A);
  await bed.settle();
  bed.registry.remove(parseEndpoint(A), "config");
  await bed.settle();
  equal(bed.openCount, 0);
  await bed.pass(120_000, 10_000);
  equal(bed.probeCount(A), 1);
});

Deno.test("there can be 4096 names and no more", async () => {
  await using bed = new RegistryBed();
  for (let at = 0; at < 4096; at++) bed.add(`10.1.${at >> 8}.${at & 255}:50052`);
  throws(
    () => bed.add(A),
    (error: unknown) =>
      error instanceof GatewayError && error.code === "no_capacity" && /4096/.test(error.message),
  );
  bed.add("10.1.0.0:50052");
});
