import { deepEqual, equal, match, ok } from "node:assert/strict";
import { GIB } from "../../../lib/units.ts";
import { RegistryBed, workerReport } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";

Deno.test("a silent worker is told to whoever leases its backend, which stays leased", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  using lease = bed.registry.lease([A], "llama");
  await bed.pass(5_100);
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.holder], ["down", "llama"]);
  ok(lease.lost.aborted);
  match(lease.lost.reason.message, /no heartbeat from worker shelf/);
  equal(lease.lost.reason.code, "backend_unreachable");
});

Deno.test("a leased backend that sat an outage out is not lost any more", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  using lease = bed.registry.lease([A], "llama");
  await bed.pass(5_100);
  ok(lease.lost.aborted);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, held_by: ["10.0.0.9:4711"] }]));
  deepEqual([bed.registry.view(A)!.health, lease.lost.aborted], ["held", false]);
  await bed.pass(5_100);
  ok(lease.lost.aborted, "the next outage is told, too");
});

Deno.test("a lease is lost until the last of its silent workers is back", async () => {
  await using bed = new RegistryBed();
  const [shelf, attic] = [["shelf", A], ["attic", "10.0.0.2:50052"]].map(([name, endpoint]) =>
    workerReport(name!, [{ endpoint: endpoint!, held_by: [] }])
  );
  for (const report of [shelf!, attic!]) bed.registry.workerReported(report);
  await bed.settle();
  using lease = bed.registry.lease([A, "10.0.0.2:50052"], "llama");
  await bed.pass(5_100);
  for (const [report, isLost] of [[shelf!, true], [attic!, false]] as const) {
    const backends = report.backends.map((backend) => ({ ...backend, held_by: ["10.0.0.9:4711"] }));
    bed.registry.workerReported({ ...report, backends });
    equal(lease.lost.aborted, isLost);
  }
});

Deno.test("a leased backend that serves nobody after an outage stays lost: its machine was restarted", async () => {
  await using bed = new RegistryBed();
  const report = workerReport("shelf", [{ endpoint: A }]);
  bed.registry.workerReported(report);
  await bed.settle();
  using lease = bed.registry.lease([A], "llama");
  await bed.pass(5_100);
  bed.registry.workerReported(report);
  deepEqual([bed.registry.view(A)!.health, lease.lost.aborted], ["down", true]);
});

Deno.test("a worker that is about to stop is told to whoever leases its backend", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  using lease = bed.registry.lease([A], "llama");
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  equal(lease.leaving.aborted, false);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }], { is_draining: true }));
  equal(lease.leaving.reason.message, `${A} leaves: worker shelf is to stop`);
  equal(lease.lost.aborted, false);
});

Deno.test("a worker is told which clients of its backends are gone, but not of those that we use", async () => {
  const gone = "10.0.0.9:4711";
  await using bed = new RegistryBed({
    hasVanished: (client, from) => client === gone && from === "10.0.0.1",
  });
  const tell = (held_by: string[], from: string | undefined = "10.0.0.1") =>
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, held_by }]), { from }).vanished;
  tell([]);
  await bed.settle();
  const lease = bed.registry.lease([A], "llama");
  tell([gone]);
  equal(tell([gone]), undefined);
  lease[Symbol.dispose]();
  equal(tell([gone]), undefined, "it may have been seen before the release");
  await bed.pass(1_000);
  deepEqual(tell([gone, "10.0.0.9:1"]), [{ endpoint: A, client: gone }]);
  tell(["10.0.0.9:1"]);
  tell([gone]);
  equal(tell([gone]), undefined, "another client at the same port");
});

Deno.test("a worker is not told of clients that were never ours: they may be behind our host's NAT", async () => {
  await using bed = new RegistryBed({ hasVanished: () => true });
  const tell = (held_by: string[]) =>
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, held_by }]), { from: "10.0.0.1" })
      .vanished;
  tell(["10.0.0.9:1"]);
  equal(tell(["10.0.0.9:1"]), undefined);
  tell([]);
  await bed.settle();
  const lease = bed.registry.lease([A], "llama");
  tell(["10.0.0.9:4711"]);
  lease[Symbol.dispose]();
  await bed.pass(1_000);
  tell(["10.0.0.9:2"]);
  equal(tell(["10.0.0.9:2"]), undefined);
  equal(bed.registry.view(A)!.health, "held");
});

for (
  const { name, second } of [
    { name: "does not run any more", second: { is_running: false, restart_count: 3 } },
    { name: "was restarted", second: { restart_count: 4 } },
    { name: "was restarted with the worker itself", second: { restart_count: 0 } },
  ]
) {
  Deno.test(`a leased backend whose server ${name} is lost, says its worker`, async () => {
    await using bed = new RegistryBed();
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, restart_count: 3 }]));
    await bed.settle();
    using lease = bed.registry.lease([A], "llama");
    const reply = bed.registry.workerReported(
      workerReport("shelf", [{ endpoint: A, restart_count: 3, held_by: ["x"] }]),
    );
    deepEqual(reply.in_use, [{ endpoint: A, holder: "llama" }]);
    equal(lease.lost.aborted, false);
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, ...second }]));
    ok(lease.lost.aborted);
    equal(bed.registry.view(A)!.health, "down");
  });
}

Deno.test("what a worker saw during our lease does not count after it", async () => {
  await using bed = new RegistryBed();
  const used = workerReport("shelf", [{
    endpoint: A,
    held_by: ["10.0.0.5:40000"],
    devices: [{ name: "CUDA0", kind: "gpu", total_bytes: 16 * GIB, free_bytes: GIB, memory_key: "GPU-1" }],
  }]);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  const lease = bed.registry.lease([A], "llama");
  bed.registry.workerReported(used);
  equal(bed.registry.view(A)!.devices[0]!.freeBytes, 15 * GIB, "as much as there is when it leaves");
  lease[Symbol.dispose]();
  bed.registry.workerReported(used); // was under way
  await bed.settle();
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(A)!.devices[0]!.freeBytes], ["up", 15 * GIB]);
  await bed.pass(2_000);
  bed.registry.workerReported(used);
  deepEqual([bed.registry.view(A)!.health, bed.registry.view(A)!.devices[0]!.freeBytes], ["held", GIB]);
});
