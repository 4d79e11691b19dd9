import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { GIB } from "../../../lib/units.ts";
import { HELD, REFUSED, RegistryBed } from "../../fixtures/registry_bed.ts";

const A = "10.0.0.1:50052";
const B = "10.0.0.2:50052";

Deno.test("a backend is unknown until it was asked, and up when it has answered", async () => {
  await using bed = new RegistryBed();
  const first = bed.registry.add(parseEndpoint(A), "config");
  deepEqual([first.health, first.ageMs, first.devices.length], ["unknown", undefined, 0]);
  await bed.settle();
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.ageMs, view.protocol, view.sources], ["up", 0, "8.0.0", ["config"]]);
  deepEqual(view.devices, [{
    index: 0,
    name: undefined,
    description: undefined,
    kind: "gpu",
    freeBytes: 15.5 * GIB,
    totalBytes: 16 * GIB,
    memoryKey: `${A}/0`,
    temperatureC: undefined,
    utilisation: undefined,
  }]);
});

Deno.test("an up is trusted for five minutes, not shorter and not longer", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  await bed.pass(299_000, 1000);
  equal(bed.probeCount(A), 1);
  await bed.pass(2_000, 1000);
  equal(bed.probeCount(A), 2);
  deepEqual(bed.transitions(A), ["unknown → up"], "a repeated verdict is no transition");
});

Deno.test("a backend that is down is asked again after 1, 2, 4 … 60 seconds", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(A, REFUSED);
  bed.add(A);
  await bed.settle();
  const atSeconds: number[] = [];
  let known = 0;
  for (let second = 0; second <= 250; second++) {
    for (; known < bed.probeCount(A); known++) atSeconds.push(second);
    await bed.pass(1000, 500);
  }
  deepEqual(atSeconds, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  deepEqual(bed.transitions(A), ["unknown → down"]);
});

Deno.test("jitter spreads backends that fell together", async () => {
  let turn = 0;
  await using bed = new RegistryBed({ random: () => turn++ % 2 });
  for (const endpoint of [A, B]) bed.answers.set(endpoint, REFUSED);
  bed.add(A, B);
  await bed.settle();
  await bed.pass(900);
  deepEqual([bed.probeCount(A), bed.probeCount(B)], [2, 1]);
  await bed.pass(300);
  equal(bed.probeCount(B), 2);
});

Deno.test("a success ends the back-off: the next failure starts at one second", async () => {
  await using bed = new RegistryBed({ trustMs: 10_000 });
  bed.answers.set(A, REFUSED);
  bed.add(A);
  await bed.pass(6_000);
  bed.answers.delete(A);
  await bed.pass(2_000);
  equal(bed.registry.view(A)?.health, "up");
  bed.answers.set(A, REFUSED);
  bed.registry.report(A, { health: "down", reason: "connection refused" });
  const count = bed.probeCount(A);
  await bed.pass(1_100);
  equal(bed.probeCount(A), count + 1);
});

Deno.test("evidence from use overrules the cache at once, also a probe under way", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  await bed.settle();
  bed.answers.set(A, "hangs");
  const refreshed = bed.registry.refresh();
  await bed.settle();
  bed.registry.report(A, { health: "down", reason: "the coordinator aborted naming it" });
  await refreshed;
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.reason], ["down", "the coordinator aborted naming it"]);
  equal(bed.openCount, 0, "the probe was not ended");
  bed.registry.reportUp(A, "a coordinator serves over it");
  equal(bed.registry.view(A)?.health, "up");
  bed.registry.report("10.9.9.9:1", { health: "down", reason: "not registered" });
});

Deno.test("one verdict never waits for another", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(A, "hangs");
  bed.add(A, B);
  await bed.settle();
  deepEqual([bed.registry.view(A)?.health, bed.registry.view(B)?.health], ["unknown", "up"]);
});

Deno.test("black holes leave places for backends that answer", async () => {
  await using bed = new RegistryBed({ maxProbes: 8, trustMs: 1_000 });
  bed.add(A);
  await bed.settle();
  const holes = Array.from({ length: 100 }, (_, at) => `10.1.0.${at + 1}:50052`);
  for (const hole of holes) bed.answers.set(hole, "hangs");
  bed.add(...holes);
  const count = bed.probeCount(A);
  await bed.pass(5_000);
  equal(bed.probeCount(A), count + 5);
  equal(bed.maxOpenCount, 7);
});

Deno.test("a held backend is asked rarely", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(A, HELD);
  bed.add(A);
  await bed.pass(59_000, 1000);
  equal(bed.probeCount(A), 1);
  await bed.pass(2_000, 1000);
  equal(bed.probeCount(A), 2);
  deepEqual(bed.transitions(A), ["unknown → held"]);
});

Deno.test("a host name that stops resolving makes its backend down, and what was known of it stays", async () => {
  await using bed = new RegistryBed();
  bed.add("shelf.lan:50052");
  await bed.settle();
  bed.identities.set("shelf.lan:50052", undefined);
  await bed.registry.refresh();
  const view = bed.registry.view("shelf.lan:50052")!;
  equal(view.health, "down");
  match(view.reason, /Cannot resolve "shelf.lan" to an IPv4 address/);
  equal(view.devices[0]?.freeBytes, 15.5 * GIB);
  bed.identities.delete("shelf.lan:50052");
  await bed.pass(1_100);
  equal(bed.registry.view("shelf.lan:50052")?.health, "up");
});

Deno.test("a backend that changes its version between probes is told, and compared with ours", async () => {
  await using bed = new RegistryBed();
  bed.registry.setOwnVersion({ protocol: { major: 8, minor: 0, patch: 0 } });
  bed.add(A);
  await bed.settle();
  const version = { major: 8, minor: 0, patch: 1 };
  bed.answers.set(A, { verdict: "mismatch", reason: "another", version });
  await bed.registry.refresh();
  const view = bed.registry.view(A)!;
  deepEqual([view.health, view.protocol], ["mismatch", "8.0.1"]);
  match(view.reason, /speaks rpc protocol 8.0.1, ours is 8.0.0/);
  const told = bed.lines.find(({ message }) => message === "rpc backend version")!;
  deepEqual([told.endpoint, told.from, told.to], [A, "8.0.0", "8.0.1"]);
  deepEqual(bed.transitions(A), ["unknown → up", "up → mismatch"]);
});

Deno.test("setOwnVersion() judges by what is known, without a probe", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  await bed.settle();
  bed.registry.setOwnVersion({ protocol: { major: 9, minor: 0, patch: 0 } });
  equal(bed.registry.view(A)?.health, "mismatch");
  bed.registry.setOwnVersion({ protocol: { major: 8, minor: 0, patch: 0 } });
  equal(bed.registry.view(A)?.health, "up");
  equal(bed.probeCount(A), 1);
});

Deno.test("setOwnVersion() with what it is already changes nothing", async () => {
  await using bed = new RegistryBed();
  const own = { protocol: { major: 8, minor: 0, patch: 0 }, build: "b1" };
  bed.registry.setOwnVersion(own);
  bed.add(A);
  bed.answers.set(B, { verdict: "mismatch", reason: "another", version: { major: 9, minor: 0, patch: 0 } });
  bed.add(B);
  await bed.settle();
  bed.registry.report(A, { health: "mismatch", reason: "it refused our coordinator" });
  for (let round = 0; round < 10; round++) bed.registry.setOwnVersion(structuredClone(own));
  equal(bed.registry.view(A)?.health, "mismatch");
  bed.answers.delete(B);
  await bed.pass(1_500);
  equal(bed.registry.view(B)?.health, "up", "it is asked again as soon as after one failure");
  bed.registry.setOwnVersion({ ...own, build: "b2" });
  bed.registry.setOwnVersion({ ...own, protocol: { major: 8, minor: 0, patch: 1 } });
  equal(bed.registry.view(B)?.health, "mismatch");
});

Deno.test("refresh() asks what is older than it may be, also in back-off, and waits for all answers", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(B, REFUSED);
  bed.add(A, B);
  await bed.settle();
  await bed.pass(500);
  await bed.registry.refresh({ olderThanMs: 1_000 });
  deepEqual([bed.probeCount(A), bed.probeCount(B)], [1, 1], "both are younger");
  bed.answers.delete(B);
  await bed.registry.refresh({ olderThanMs: 100 });
  deepEqual([bed.probeCount(A), bed.probeCount(B), bed.registry.view(B)?.health], [2, 2, "up"]);
  await bed.registry.refresh({ endpoints: [B, "10.9.9.9:1"] });
  deepEqual([bed.probeCount(A), bed.probeCount(B)], [2, 3]);
});

Deno.test("refresh() gives up waiting when its time is over, and for its signal", async () => {
  await using bed = new RegistryBed();
  bed.answers.set(A, "hangs");
  bed.add(A);
  let isDone = false;
  const refreshed = bed.registry.refresh({ withinMs: 300 }).then(() => isDone = true);
  await bed.pass(200);
  equal(isDone, false);
  await bed.pass(200);
  await refreshed;
  const abort = new AbortController();
  const waiting = bed.registry.refresh({ signal: abort.signal });
  abort.abort(new Error("the client left"));
  await rejects(waiting, /the client left/);
  await rejects(bed.registry.refresh({ signal: abort.signal }), /the client left/);
});

Deno.test("a probe that breaks is a verdict, and does not end the checks", async () => {
  let shouldBreak = true;
  await using bed = new RegistryBed({
    probe: (endpoint) => {
      if (shouldBreak) throw new TypeError("a bug");
      return Promise.resolve({
        endpoint,
        verdict: "held",
        reason: "held",
        version: undefined,
        devices: [],
        connectMs: 1,
        answerMs: undefined,
      });
    },
  });
  bed.add(A);
  await bed.settle();
  match(bed.registry.view(A)!.reason, /Cannot check .*a bug/);
  shouldBreak = false;
  await bed.pass(1_100);
  equal(bed.registry.view(A)?.health, "held");
});

Deno.test("a jump of the wall clock changes nothing", async () => {
  await using bed = new RegistryBed();
  bed.add(A);
  await bed.settle();
  const now = bed.clock.now.bind(bed.clock);
  bed.clock.now = () => now() + 10 * 365 * 24 * 3600 * 1000;
  await bed.pass(1_000);
  deepEqual([bed.probeCount(A), bed.registry.view(A)?.ageMs], [1, 1_000]);
  bed.clock.now = () => 0;
  await bed.pass(1_000);
  deepEqual([bed.probeCount(A), bed.registry.view(A)?.ageMs], [1, 2_000]);
});

Deno.test("onEvent hears each change of health once", async () => {
  const events: string[] = [];
  await using bed = new RegistryBed({
    onEvent: ({ endpoint, from, to }) => events.push(`${endpoint} ${from} ${to}`),
  });
  bed.add(A);
  await bed.settle();
  await bed.registry.refresh();
  bed.registry.report(A, { health: "down", reason: "gone" });
  deepEqual(events, [`${A} unknown up`, `${A} up down`]);
});

Deno.test("after disposal nothing is asked", async () => {
  const bed = new RegistryBed();
  bed.answers.set(A, "hangs");
  bed.add(A, B);
  await bed.settle();
  await bed[Symbol.asyncDispose]();
  equal(bed.openCount, 0);
  const count = bed.probed.length;
  await bed.pass(600_000, 60_000);
  equal(bed.probed.length, count);
  ok(bed.registry.view(B));
});

Deno.test("refresh() can leave out who is known to be down: one that swallows packets would cost a whole wait", async () => {
  await using bed = new RegistryBed();
  bed.answers.set("a:1", REFUSED);
  bed.add("a:1", "b:1");
  await bed.settle();
  bed.clock.advance(10);
  bed.answers.set("a:1", "hangs");
  const counts = () => ["a:1", "b:1"].map((endpoint) => bed.probeCount(endpoint));
  const before = counts();
  await bed.registry.refresh({ asksDown: false });
  deepEqual(counts(), [before[0], before[1]! + 1]);
});
