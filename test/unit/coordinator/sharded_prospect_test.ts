import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { type LeasedPlan, leasePlan } from "../../../lib/coordinator/leased_plan.ts";
import { RefusedMemory } from "../../../lib/coordinator/refused_memory.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { GIB } from "../../../lib/units.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../fixtures/model_planning.ts";
import { RegistryBed } from "../../fixtures/registry_bed.ts";

const FRESH_MS = 2_000;

/** Three backends of 31 GiB that have just been asked: a 70B model fits on two of them. */
async function createBed(): Promise<RegistryBed> {
  const bed = new RegistryBed();
  const devices = [{ freeBytes: 31 * GIB, totalBytes: 32 * GIB }];
  for (const endpoint of ["a:1", "b:1", "c:1"]) {
    bed.answers.set(endpoint, { devices });
    bed.add(endpoint);
  }
  await bed.settle();
  return bed;
}

function lease(bed: RegistryBed, refusedMemory = refusedMemoryOf(bed)): LeasedPlan {
  return leasePlan(SOME_MODEL, LLAMA_70B, {
    planner: plannerFor(),
    registry: bed.registry,
    refusedMemory,
    olderThanMs: FRESH_MS,
    build: undefined,
  });
}

function refusedMemoryOf({ clock }: RegistryBed): RefusedMemory {
  return new RefusedMemory({ clock, trustMs: 300_000 });
}

/** The health of all, in the order of registration. */
function healths(bed: RegistryBed): string[] {
  return bed.registry.views().map(({ health, holder }) => holder ? `${health} by ${holder}` : health);
}

Deno.test("leasePlan() leases what the plan uses, and nothing else", async () => {
  await using bed = await createBed();
  {
    using _ = lease(bed).lease;
    deepEqual(healths(bed), ["held by big:latest", "held by big:latest", "up"]);
  }
  await bed.settle();
  deepEqual(healths(bed), ["up", "up", "up"]);
});

Deno.test("leasePlan() says why the layers go there", async () => {
  await using bed = await createBed();
  const plan = lease(bed);
  using held = plan.lease;
  deepEqual([held.endpoints, plan.placement.endpoints], [["a:1", "b:1"], ["a:1", "b:1"]]);
  deepEqual([plan.computeCorrection, plan.shape.contextSize], [1, 4096]);
  ok(plan.because.startsWith(plan.placement.because));
});

Deno.test("leasePlan() leaves out who was up and has not answered since it was asked", async () => {
  await using bed = await createBed();
  bed.answers.set("a:1", "hangs");
  bed.clock.advance(FRESH_MS + 1);
  void bed.registry.refresh({ olderThanMs: FRESH_MS });
  await bed.settle();
  const plan = lease(bed);
  using _ = plan.lease;
  deepEqual(plan.placement.endpoints, ["b:1", "c:1"]);
  match(plan.because, /Left out: a:1 was up 2\.0 s ago and has not answered since; look at its machine/);
});

Deno.test("leasePlan() refuses with the numbers what does not fit, and leases nothing", async () => {
  await using bed = await createBed();
  bed.answers.set("c:1", { verdict: "down", reason: "c:1 refuses the connection", devices: [] });
  bed.answers.set("b:1", { devices: [{ freeBytes: 2 * GIB, totalBytes: 32 * GIB }] });
  await bed.registry.refresh();
  throws(() => lease(bed), (error: GatewayError) => {
    equal(error.code, "insufficient_memory");
    match(error.message, /GiB are missing.*Left out: c:1 refuses the connection/);
    return true;
  });
  deepEqual(healths(bed), ["up", "up", "down"]);
});

Deno.test("leasePlan() counts a backend that refused memory as what it has, and says so", async () => {
  await using bed = await createBed();
  const refusedMemory = refusedMemoryOf(bed);
  const first = lease(bed, refusedMemory);
  const [device] = first.placement.devices;
  const { endpoint, name, needBytes } = device!;
  refusedMemory.note({ endpoint, deviceName: name, bytes: needBytes }, first.placement);
  first.lease[Symbol.dispose]();
  await bed.settle();
  const second = lease(bed, refusedMemory);
  using _ = second.lease;
  ok(!second.placement.endpoints.includes(endpoint), second.because);
  match(second.because, new RegExp(`${endpoint} had no room for .* and counts as 0 B`));
});

Deno.test("leasePlan() tells who holds what a second plan needs", async () => {
  await using bed = await createBed();
  using _ = lease(bed).lease;
  throws(() => lease(bed), (error: GatewayError) => {
    equal(error.code, "insufficient_memory");
    match(error.message, /our coordinator of "?big:latest/);
    return true;
  });
});
