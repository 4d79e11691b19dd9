import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { LocalHost } from "../../../lib/coordinator/local_host.ts";
import type { HostMemory } from "../../../lib/planner/place_whole.ts";

const NEVER = new AbortController().signal;

/** A host whose RAM and GPU have so much free, whatever runs there, and a process that holds 30. */
function hostWith(memory: { cpu: number; gpu?: number }): LocalHost {
  const read = () => Promise.resolve(memoriesOf(memory));
  return new LocalHost(read, (pid) => Promise.resolve(pid === 7 ? 30 : 0));
}

function memoriesOf({ cpu, gpu }: { cpu: number; gpu?: number }): HostMemory[] {
  return [
    { name: "CPU", freeBytes: cpu },
    ...(gpu === undefined ? [] : [{ name: "CUDA0", freeBytes: gpu }]),
  ];
}

Deno.test("a LocalHost is one model's at a time", () => {
  const host = hostWith({ cpu: 100 });
  equal(host.holder, undefined);
  const lease = host.lease("a:latest", []);
  equal(host.holder, "a:latest");
  throws(() => host.lease("b:latest", []), {
    code: "no_capacity",
    message:
      'Cannot run "b:latest" on this host: our coordinator of "a:latest" does; wait until that is idle, or unload it',
  });
  lease[Symbol.dispose]();
  equal(host.holder, undefined);
});

Deno.test("a LocalHost is not given back by a lease that was given back before", () => {
  const host = hostWith({ cpu: 100 });
  const first = host.lease("a:latest", []);
  first[Symbol.dispose]();
  using _ = host.lease("b:latest", []);
  first[Symbol.dispose]();
  equal(host.holder, "b:latest");
});

Deno.test("a LocalHost that nobody has would have no more free", async () => {
  const { now, freed } = await hostWith({ cpu: 100, gpu: 50 }).look("llama-server", NEVER);
  deepEqual([now, freed], [memoriesOf({ cpu: 100, gpu: 50 }), memoriesOf({ cpu: 100, gpu: 50 })]);
});

Deno.test("a LocalHost would have free what its process holds, and on a GPU what was there before", async () => {
  const memory = { cpu: 100, gpu: 50 };
  const host = hostWith(memory);
  const lease = host.lease("a:latest", memoriesOf(memory));
  Object.assign(memory, { cpu: 60, gpu: 10 });
  lease.runs(7);
  const { now, freed } = await host.look("llama-server", NEVER);
  deepEqual([now, freed], [memoriesOf({ cpu: 60, gpu: 10 }), memoriesOf({ cpu: 90, gpu: 50 })]);
});

Deno.test("a LocalHost would have free what was there before, while nobody knows what its process holds", async () => {
  const memory = { cpu: 100, gpu: 50 };
  const host = hostWith(memory);
  using _ = host.lease("a:latest", memoriesOf(memory));
  Object.assign(memory, { cpu: 60, gpu: 70 });
  deepEqual((await host.look("llama-server", NEVER)).freed, memoriesOf({ cpu: 100, gpu: 70 }));
});

Deno.test("a LocalHost of which nobody knows the memory has none that is told", async () => {
  const host = new LocalHost(() => Promise.resolve([]), () => Promise.resolve(30));
  using lease = host.lease("a:latest", []);
  lease.runs(7);
  deepEqual(await host.look("llama-server", NEVER), { now: [], freed: [] });
});

Deno.test("a LocalHost is looked at only for as long as somebody wants to know", async () => {
  const reason = new Error("nobody waits for it");
  const host = new LocalHost((_program, signal) => Promise.reject(signal.reason));
  await rejects(host.look("llama-server", AbortSignal.abort(reason)), reason);
});
