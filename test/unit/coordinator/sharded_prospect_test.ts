import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { LeasedPlan } from "../../../lib/coordinator/leased_plan.ts";
import { RefusedMemory } from "../../../lib/coordinator/refused_memory.ts";
import { ShardedProspect } from "../../../lib/coordinator/sharded_prospect.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { Pooled } from "../../../lib/pool/pooled.ts";
import { GIB } from "../../../lib/units.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../fixtures/model_planning.ts";
import { RegistryBed } from "../../fixtures/registry_bed.ts";

const FRESH_MS = 2_000;

/** Three backends that have just been asked: of 31 GiB, so that a 70B model fits on two of them. */
async function createBed(freeBytes = 31 * GIB): Promise<RegistryBed> {
  const bed = new RegistryBed();
  const devices = [{ freeBytes, totalBytes: 32 * GIB }];
  for (const endpoint of ["a:1", "b:1", "c:1"]) {
    bed.answers.set(endpoint, { devices });
    bed.add(endpoint);
  }
  await bed.settle();
  return bed;
}

/** What differs from one prospect to another. */
interface Scene {
  readonly refusedMemory?: RefusedMemory;
  readonly env?: Record<string, string>;
  readonly minContextSize?: number;
}

/** A prospect whose start only remembers what it was given. */
class TestProspect extends ShardedProspect<Pooled> {
  static over(bed: RegistryBed, scene: Scene = {}): TestProspect {
    const { env, minContextSize, refusedMemory = refusedMemoryOf(bed) } = scene;
    const started: LeasedPlan[] = [];
    return new TestProspect(started, SOME_MODEL, LLAMA_70B, {
      planner: plannerFor(env),
      registry: bed.registry,
      refusedMemory,
      freshMs: () => FRESH_MS,
      build: undefined,
      minContextSize,
      start: (plan) => {
        started.push(plan);
        return Promise.withResolvers<Pooled>().promise;
      },
    });
  }

  constructor(
    private readonly started: LeasedPlan[],
    ...rest: ConstructorParameters<typeof ShardedProspect<Pooled>>
  ) {
    super(...rest);
  }

  /** Takes a place and begins the start there. */
  start(): LeasedPlan {
    using place = this.place()!;
    void place.start(new AbortController().signal, () => {});
    return this.started[0]!;
  }
}

function refusedMemoryOf({ clock }: RegistryBed): RefusedMemory {
  return new RefusedMemory({ clock, trustMs: 300_000 });
}

/** The health of all, in the order of registration. */
function healths(bed: RegistryBed): string[] {
  return bed.registry.views().map(({ health, holder }) => holder ? `${health} by ${holder}` : health);
}

Deno.test("place() leases what the plan uses, and nothing else", async () => {
  await using bed = await createBed();
  {
    using place = TestProspect.over(bed).place()!;
    deepEqual(place.endpoints, ["a:1", "b:1"]);
    deepEqual(healths(bed), ["held by big:latest", "held by big:latest", "up"]);
  }
  await bed.settle();
  deepEqual(healths(bed), ["up", "up", "up"]);
});

Deno.test("a place that was started keeps its lease for the start", async () => {
  await using bed = await createBed();
  const plan = TestProspect.over(bed).start();
  deepEqual(healths(bed), ["held by big:latest", "held by big:latest", "up"]);
  deepEqual([plan.lease.endpoints, plan.placement.endpoints], [["a:1", "b:1"], ["a:1", "b:1"]]);
  deepEqual([plan.computeCorrection, plan.shape.contextSize], [1, 4096]);
  ok(plan.because.startsWith(plan.placement.because));
  plan.lease[Symbol.dispose]();
});

Deno.test("place() leaves out who was up and has not answered since it was asked", async () => {
  await using bed = await createBed();
  bed.answers.set("a:1", "hangs");
  bed.clock.advance(FRESH_MS + 1);
  void bed.registry.refresh({ olderThanMs: FRESH_MS });
  await bed.settle();
  using place = TestProspect.over(bed).place()!;
  deepEqual(place.endpoints, ["b:1", "c:1"]);
  match(place.because, /Left out: a:1 was up 2\.0 s ago and has not answered since; look at its machine/);
});

Deno.test("place() refuses with the numbers what does not fit, and leases nothing", async () => {
  await using bed = await createBed();
  bed.answers.set("c:1", { verdict: "down", reason: "c:1 refuses the connection", devices: [] });
  bed.answers.set("b:1", { devices: [{ freeBytes: 2 * GIB, totalBytes: 32 * GIB }] });
  await bed.registry.refresh();
  throws(() => TestProspect.over(bed).place(), (error: GatewayError) => {
    equal(error.code, "insufficient_memory");
    match(error.message, /GiB are missing.*Left out: c:1 refuses the connection/);
    return true;
  });
  deepEqual(healths(bed), ["up", "up", "down"]);
});

Deno.test("place() says why none of the backends can be used", async () => {
  await using bed = await createBed();
  for (const endpoint of ["a:1", "b:1", "c:1"]) {
    bed.answers.set(endpoint, { verdict: "down", reason: `${endpoint} is off`, devices: [] });
  }
  await bed.registry.refresh();
  throws(() => TestProspect.over(bed).place(), (error: GatewayError) => {
    equal(error.code, "backend_unreachable");
    match(error.message, /a:1 is off\. b:1 is off\. c:1 is off/);
    return true;
  });
});

Deno.test("place() counts a backend that refused memory as what it has, and says so", async () => {
  await using bed = await createBed();
  const refusedMemory = refusedMemoryOf(bed);
  const first = TestProspect.over(bed, { refusedMemory }).start();
  const { endpoint, name, needBytes } = first.placement.devices[0]!;
  refusedMemory.note({ endpoint, deviceName: name, bytes: needBytes }, first.placement);
  first.lease[Symbol.dispose]();
  await bed.settle();
  using second = TestProspect.over(bed, { refusedMemory }).place()!;
  ok(!second.endpoints.includes(endpoint), second.because);
  match(second.because, new RegExp(`${endpoint} had no room for .* and counts as 0 B`));
});

Deno.test("place() gives nothing while other coordinators of ours are in the way; fitsWith() says which", async () => {
  await using bed = await createBed();
  using _ = bed.registry.lease(["a:1"], "one:latest");
  using __ = bed.registry.lease(["b:1"], "two:latest");
  const prospect = TestProspect.over(bed);
  equal(prospect.place(), undefined);
  deepEqual(healths(bed), ["held by one:latest", "held by two:latest", "up"]);
  const fitsWith = (...freed: string[]) => prospect.fitsWith(new Set(freed));
  deepEqual(
    [fitsWith(), fitsWith("a:1"), fitsWith("b:1"), fitsWith("a:1", "b:1")],
    [false, true, true, true],
  );
});

Deno.test("place() refuses at once what would not fit even if all of ours were stopped", async () => {
  await using bed = await createBed(10 * GIB);
  using _ = bed.registry.lease(["a:1", "b:1"], "one:latest");
  throws(() => TestProspect.over(bed).place(), { code: "insufficient_memory" });
});

Deno.test("place() makes the context smaller only as far as the operator allows", async () => {
  await using bed = await createBed(15 * GIB);
  const env = { SOLLOL_COORDINATOR_CONTEXT_SIZE: "32768" };
  throws(() => TestProspect.over(bed, { env }).place(), { code: "insufficient_memory" });
  throws(() => TestProspect.over(bed, { env, minContextSize: 30_000 }).place(), {
    code: "insufficient_memory",
  });
  const { shape, because, lease } = TestProspect.over(bed, { env, minContextSize: 512 }).start();
  lease[Symbol.dispose]();
  ok(shape.contextSize >= 512 && shape.contextSize < 30_000, String(shape.contextSize));
  match(
    because,
    new RegExp(`A larger context does not fit now, so each slot has ${shape.contextSize} tokens`),
  );
});
