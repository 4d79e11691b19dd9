import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { type ErrorCode, GatewayError } from "../../../lib/errors.ts";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { HELD, REFUSED, RegistryBed } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";
const B = "10.0.0.2:50052";
const C = "10.0.0.3:50052";

async function openBed(): Promise<RegistryBed> {
  const bed = new RegistryBed();
  bed.add(A, B, C);
  await bed.settle();
  return bed;
}

/** Checks that leasing is refused, and that it left nothing behind. */
function refused(bed: RegistryBed, endpoints: string[], code: ErrorCode, message: RegExp): void {
  const holdersBefore = bed.registry.views().map(({ holder }) => holder);
  throws(() => bed.registry.lease(endpoints, "llama"), (error: unknown) => {
    ok(error instanceof GatewayError);
    equal(error.code, code);
    match(error.message, message);
    return true;
  });
  deepEqual(bed.registry.views().map(({ holder }) => holder), holdersBefore);
}

Deno.test("a leased backend is held, and says by whom", async () => {
  await using bed = await openBed();
  using lease = bed.registry.lease([B, A], "llama3:70b");
  deepEqual([lease.endpoints, lease.holder], [[B, A], "llama3:70b"]);
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.holder, view.reason], [
    "held",
    "llama3:70b",
    "10.0.0.1:50052 is held by our coordinator of llama3:70b",
  ]);
  deepEqual(bed.registry.view(C)!.holder, undefined);
  equal(view.devices.length, 1, "what it said last stays known");
});

Deno.test("a leased backend is never probed: not by time, not by refresh, and a probe under way ends", async () => {
  await using bed = await openBed();
  bed.answers.set(A, "hangs");
  void bed.registry.refresh({ endpoints: [A] });
  await bed.settle();
  equal(bed.openCount, 1);
  const lease = bed.registry.lease([A], "llama");
  await bed.settle();
  equal(bed.openCount, 0);
  const count = bed.probeCount(A);
  await bed.registry.refresh();
  bed.registry.report(A, { health: "down", reason: "the coordinator says so" });
  await bed.pass(3_600_000, 10_000);
  equal(bed.probeCount(A), count);
  lease[Symbol.dispose]();
  await bed.settle();
  equal(bed.probeCount(A), count + 1);
});

Deno.test("a lease is all or nothing, and the refusal names endpoint and holder", async () => {
  await using bed = await openBed();
  using _first = bed.registry.lease([B], "qwen3:235b");
  refused(
    bed,
    [A, B],
    "no_capacity",
    /Cannot use 10.0.0.2:50052 for "llama": our coordinator of "qwen3:235b" holds/,
  );
  using _rest = bed.registry.lease([A, C], "llama");
});

Deno.test("what a stranger holds is told apart from what we hold", async () => {
  await using bed = await openBed();
  bed.answers.set(A, HELD);
  await bed.registry.refresh();
  refused(bed, [B, A], "no_capacity", /10.0.0.1:50052 .*a stranger holds it: It serves another client/);
});

Deno.test("what cannot be used is not leased, each for its reason", async () => {
  await using bed = await openBed();
  bed.answers.set(A, REFUSED);
  await bed.registry.refresh();
  refused(bed, [A], "backend_unreachable", /10.0.0.1:50052 .*Nothing listens/);
  bed.registry.add(parseEndpoint(B), "admin", { isExcluded: true });
  refused(bed, [B], "no_capacity", /10.0.0.2:50052 .*excluded/);
  bed.registry.setOwnVersion({ protocol: { major: 9, minor: 1, patch: 0 } });
  refused(bed, [C], "no_capacity", /10.0.0.3:50052 .*ours is 9.1.0/);
  refused(bed, ["10.9.9.9:1"], "not_found", /10.9.9.9:1 .*not registered/);
  refused(bed, [C, C], "conflict", /10.0.0.3:50052 and 10.0.0.3:50052 .*one rpc backend/);
});

Deno.test("a released backend is free at once, probed at once, and keeps what its coordinator said", async () => {
  await using bed = await openBed();
  const lease = bed.registry.lease([A], "llama");
  await bed.pass(60_000, 10_000);
  lease.reportUp("it serves llama");
  bed.answers.set(A, "hangs");
  const count = bed.probeCount(A);
  lease[Symbol.dispose]();
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(A)!.reason], ["up", "it serves llama"]);
  await bed.settle();
  equal(bed.probeCount(A), count + 1);
  using _again = bed.registry.lease([A], "qwen");
  equal(bed.registry.view(A)!.holder, "qwen");
});

Deno.test("releasing twice is releasing once: the next holder is not robbed", async () => {
  await using bed = await openBed();
  const lease = bed.registry.lease([A], "llama");
  lease[Symbol.dispose]();
  using _next = bed.registry.lease([A], "qwen");
  lease[Symbol.dispose]();
  lease.reportFailure(A, "too late");
  lease.reportUp("too late");
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(A)!.holder], ["held", "qwen"]);
  deepEqual(await lease.diagnose({ timeoutMs: 100, signal: new AbortController().signal }), []);
});

Deno.test("a failure is seen while the backend is leased, and after it", async () => {
  await using bed = await openBed();
  const lease = bed.registry.lease([A, B], "llama");
  lease.reportFailure(A, "the coordinator aborted naming it");
  lease.reportFailure("10.9.9.9:1", "not leased");
  const [a, b] = [bed.registry.view(A)!, bed.registry.view(B)!];
  deepEqual([a.health, a.holder, a.reason], ["down", "llama", "the coordinator aborted naming it"]);
  equal(b.health, "held");
  bed.answers.set(A, "hangs");
  lease[Symbol.dispose]();
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(B)!.health], ["down", "up"]);
  deepEqual(bed.transitions(A), ["unknown → up", "up → held", "held → down"]);
});

Deno.test("diagnose() asks what is leased, and the registry learns it", async () => {
  await using bed = await openBed();
  const lease = bed.registry.lease([A, B], "llama");
  bed.answers.set(A, REFUSED);
  const found = await lease.diagnose({ timeoutMs: 1_000, signal: new AbortController().signal });
  deepEqual(found.map(({ endpoint, verdict }) => [endpoint, verdict]), [[A, "down"], [B, "up"]]);
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(B)!.health], ["down", "held"]);
  bed.answers.set(A, "hangs");
  lease[Symbol.dispose]();
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(B)!.health], ["down", "up"]);
});

Deno.test("diagnose() publishes each verdict when it is there, and ends with its signal", async () => {
  await using bed = await openBed();
  using lease = bed.registry.lease([A, B], "llama");
  bed.answers.set(A, "hangs");
  bed.answers.set(B, REFUSED);
  const abort = new AbortController();
  const diagnosed = lease.diagnose({ timeoutMs: 1_000, signal: abort.signal });
  await bed.settle();
  equal(bed.registry.view(B)!.health, "down");
  abort.abort(new Error("the client left"));
  await rejects(diagnosed, /the client left/);
});

Deno.test("a removed backend stays until its lease ends, then it goes", async () => {
  await using bed = await openBed();
  const lease = bed.registry.lease([A], "llama");
  const removal = bed.registry.remove(parseEndpoint(A), "config");
  equal(removal.outcome, "after release");
  match(removal.because, /as soon as our coordinator of "llama" is idle and has released it/);
  equal(bed.registry.view(A)!.holder, "llama");
  match(lease.leaving.reason.message, /Its rpc backend 10\.0\.0\.1:50052 was taken out of the registry/);
  lease[Symbol.dispose]();
  equal(bed.registry.view(A), undefined);
  await bed.pass(120_000, 10_000);
  equal(bed.probeCount(A), 1);
});
