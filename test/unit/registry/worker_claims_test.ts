import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import type { WorkerReport } from "../../../lib/rpc/worker_report.ts";
import { GIB } from "../../../lib/units.ts";
import { RegistryBed, workerReport } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";
const B = "10.0.0.1:50053";

/** Reports every two seconds for a while. */
async function beat(bed: RegistryBed, report: WorkerReport, forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 2_000) {
    bed.registry.workerReported(report);
    await bed.pass(2_000, 500);
  }
}

function messages(bed: RegistryBed): string[] {
  return bed.lines.map(({ message }) => message).filter((message) => message.startsWith("worker"));
}

Deno.test("a worker's backends are registered, but up only after a probe of ours", async () => {
  await using bed = new RegistryBed();
  const reply = bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }], { build: "b11669" }));
  deepEqual(reply, { timeout_ms: 5_000, in_use: [] });
  equal(bed.registry.view(A)!.health, "unknown");
  await bed.settle();
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.workerName, view.build, view.sources], ["up", "shelf", "b11669", ["worker"]]);
  deepEqual([view.devices[0]!.name, view.devices[0]!.freeBytes], ["CUDA0", 15 * GIB]);
});

Deno.test("heartbeats alone cause no probes", async () => {
  await using bed = new RegistryBed();
  await beat(bed, workerReport("shelf", [{ endpoint: A }]), 60_000);
  equal(bed.probeCount(A), 1);
  deepEqual(messages(bed), ["worker joined"]);
});

Deno.test("a worker that is silent for five seconds has its backends down, and is asked nothing", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.pass(4_900);
  equal(bed.registry.view(A)!.health, "up");
  await bed.pass(200);
  const view = bed.registry.view(A)!;
  equal(view.health, "down");
  equal(view.reason, `${A}: no heartbeat from worker shelf for 5 s; look after it and its network`);
  const count = bed.probeCount(A);
  await bed.pass(120_000, 1_000);
  equal(bed.probeCount(A), count);
  deepEqual(messages(bed), ["worker joined", "worker lost"]);
});

Deno.test("a heartbeat again brings its backends up at once", async () => {
  await using bed = new RegistryBed();
  const report = workerReport("shelf", [{ endpoint: A }]);
  bed.registry.workerReported(report);
  await bed.pass(60_000, 1_000);
  bed.registry.workerReported(report);
  await bed.settle();
  equal(bed.registry.view(A)!.health, "up");
  deepEqual(messages(bed), ["worker joined", "worker lost", "worker back"]);
  deepEqual(bed.transitions(A), ["unknown → up", "up → down", "down → up"]);
});

Deno.test("a backend that others name, too, is asked in spite of its silent worker", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.pass(5_100);
  equal(bed.registry.view(A)!.health, "down");
  await bed.pass(1_100);
  equal(bed.registry.view(A)!.health, "up");
});

Deno.test("when this process stood still, nobody is called silent for it", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  bed.clock.advance(3_600_000);
  await bed.settle();
  equal(bed.registry.view(A)!.health, "up");
  await bed.pass(5_200);
  equal(bed.registry.view(A)!.health, "down");
});

Deno.test("a server that does not run is down without a probe, and asked when it runs again", async () => {
  await using bed = new RegistryBed();
  await beat(bed, workerReport("shelf", [{ endpoint: A, is_running: false }]), 20_000);
  deepEqual([bed.probeCount(A), bed.registry.view(A)!.health], [0, "down"]);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, restart_count: 1 }]));
  await bed.settle();
  deepEqual([bed.probeCount(A), bed.registry.view(A)!.health], [1, "up"]);
});

Deno.test("what a worker says is held by others is held, named, and not probed until it is free", async () => {
  await using bed = new RegistryBed();
  await beat(bed, workerReport("shelf", [{ endpoint: A, held_by: ["10.0.0.9:40000"] }]), 100_000);
  const view = bed.registry.view(A)!;
  deepEqual([bed.probeCount(A), view.health], [0, "held"]);
  match(view.reason, /serves 10.0.0.9:40000, says worker shelf/);
  throws(() => bed.registry.lease([A], "llama"), /a stranger holds it: .*10.0.0.9:40000/);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  deepEqual([bed.probeCount(A), bed.registry.view(A)!.health], [1, "up"]);
});

Deno.test("a client that is there in one report only was a probe, and holds nothing", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  for (const port of [40_001, 40_002, 40_003]) {
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A, held_by: [`10.0.0.9:${port}`] }]));
    equal(bed.registry.view(A)!.health, "up");
  }
});

Deno.test("a worker that leaves takes none of another of its name along", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]), { from: "10.0.0.1" });
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: B }]), { from: "10.0.0.9" });
  equal(bed.registry.workerLeft("shelf", { from: "10.0.0.9" }), true);
  deepEqual(bed.registry.views().map(({ endpoint }) => endpoint), [A]);
  equal(bed.registry.workerLeft("shelf", { from: "10.0.0.7" }), false);
});

Deno.test("another build than ours is a mismatch, where both are known", async () => {
  await using bed = new RegistryBed();
  bed.registry.setOwnVersion({ protocol: { major: 8, minor: 0, patch: 0 }, build: "b11669" });
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  equal(bed.registry.view(A)!.health, "up");
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }], { build: "b10000" }));
  deepEqual(bed.registry.view(A)!.health, "mismatch");
  match(bed.registry.view(A)!.reason, /runs llama.cpp b10000, ours is b11669/);
});

Deno.test("a draining worker's backends stay as they are, but nothing new gets them", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }, { endpoint: B }]));
  await bed.settle();
  using _lease = bed.registry.lease([B], "llama");
  const draining = workerReport("shelf", [{ endpoint: A }, { endpoint: B }], { is_draining: true });
  const reply = bed.registry.workerReported(draining);
  deepEqual(reply.in_use, [{ endpoint: B, holder: "llama" }]);
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.isDraining], ["up", true]);
  match(view.reason, /worker shelf is draining/);
  throws(() => bed.registry.lease([A], "qwen"), /its worker shelf is about to stop/);
});

Deno.test("a worker that leaves takes along what only it told of, and leases last", async () => {
  await using bed = new RegistryBed();
  bed.add("10.0.0.1:50054");
  const endpoints = [A, B, "10.0.0.1:50054"].map((endpoint) => ({ endpoint }));
  bed.registry.workerReported(workerReport("shelf", endpoints));
  await bed.settle();
  const lease = bed.registry.lease([B], "llama");
  equal(bed.registry.workerLeft("shelf"), true);
  equal(bed.registry.workerLeft("shelf"), false);
  deepEqual(bed.registry.views().map(({ endpoint, workerName }) => [endpoint, workerName]), [
    ["10.0.0.1:50054", undefined],
    [B, undefined],
  ]);
  lease[Symbol.dispose]();
  deepEqual(bed.registry.views().length, 1);
  deepEqual(bed.registry.workers(), []);
});

Deno.test("a backend that a worker does not report any more is its no more", async () => {
  await using bed = new RegistryBed();
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }, { endpoint: B }]));
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: B }]));
  deepEqual(bed.registry.views().map(({ endpoint }) => endpoint), [B]);
});

Deno.test("a second worker does not steal a backend, but takes it over when the first is gone", async () => {
  await using bed = new RegistryBed();
  const thief = workerReport("thief", [{ endpoint: A, is_running: false }]);
  for (let round = 0; round < 3; round++) {
    bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
    bed.registry.workerReported(thief);
    await bed.pass(2_000);
  }
  deepEqual([bed.registry.view(A)!.workerName, bed.registry.view(A)!.health], ["shelf", "up"]);
  const warnings = bed.lines.filter(({ level }) => level === "warn");
  deepEqual(warnings.map(({ message, worker, endpoint }) => [message, worker, endpoint]), [
    ["worker claim refused", "thief", A],
  ]);
  await beat(bed, thief, 6_000);
  deepEqual([bed.registry.view(A)!.workerName, bed.registry.view(A)!.health], ["thief", "down"]);
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  equal(bed.registry.view(A)!.workerName, "thief");
  bed.registry.workerLeft("thief");
  bed.registry.workerReported(workerReport("shelf", [{ endpoint: A }]));
  await bed.settle();
  deepEqual([bed.registry.view(A)!.workerName, bed.registry.view(A)!.health], ["shelf", "up"]);
});

Deno.test("two workers of the same name at two addresses are two", async () => {
  await using bed = new RegistryBed();
  for (let round = 0; round < 2; round++) {
    bed.registry.workerReported(workerReport("debian", [{ endpoint: A }]), { from: "10.0.0.1" });
    bed.registry.workerReported(workerReport("debian", [{ endpoint: "10.0.0.2:50052" }]), {
      from: "10.0.0.2",
    });
  }
  deepEqual(bed.registry.workers().map(({ name }) => name), ["debian", "debian at 10.0.0.2"]);
  equal(bed.registry.views().length, 2);
});

Deno.test("a thousand workers join at once, are lost at once and are back at once", async () => {
  await using bed = new RegistryBed();
  const reports = Array.from({ length: 1000 }, (_, at) => (
    workerReport(`worker-${at}`, [{ endpoint: `10.1.${at >> 8}.${at & 255}:50052` }])
  ));
  const count = (health: string) => bed.registry.views().filter((view) => view.health === health).length;
  const settle = async () => {
    for (let round = 0; round < 20; round++) await bed.settle();
  };
  for (const report of reports) bed.registry.workerReported(report);
  await settle();
  deepEqual([count("up"), bed.registry.workers().length], [1000, 1000]);
  ok(bed.maxOpenCount <= 48, `${bed.maxOpenCount} probes at once`);
  await bed.pass(5_100);
  equal(count("down"), 1000);
  for (const report of reports) bed.registry.workerReported(report);
  await settle();
  equal(count("up"), 1000);
});

Deno.test("there can be 4096 workers and no more, and one that is silent for a day is forgotten", async () => {
  await using bed = new RegistryBed();
  for (let at = 0; at < 4096; at++) bed.registry.workerReported(workerReport(`worker-${at}`, []));
  throws(() => bed.registry.workerReported(workerReport("one more", [])), {
    code: "no_capacity",
    message: /Cannot take worker "one more": 4096 workers are too many/,
  });
  await bed.pass(5_100);
  await bed.pass(24 * 3600 * 1000, 600_000);
  bed.registry.workerReported(workerReport("one more", []));
  await bed.pass(5_100);
  deepEqual(bed.registry.workers().map(({ name }) => name), ["one more"]);
});

Deno.test("workers() tells who they are", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  const report = workerReport("shelf", [{ endpoint: A }]);
  bed.registry.workerReported(report, { from: "10.0.0.1" });
  await bed.pass(1_500);
  deepEqual(bed.registry.workers(), [{
    name: "shelf",
    from: "10.0.0.1",
    ageMs: 1_500,
    isLost: false,
    report,
  }]);
  equal(bed.registry.remove(parseEndpoint(A), "config").outcome, "still named");
});
