import { deepEqual, equal, match, ok } from "node:assert/strict";
import { silentLogger } from "../../../lib/log.ts";
import { formatEndpoint } from "../../../lib/rpc/endpoint.ts";
import { BackendRegistry, type RegistryOptions } from "../../../lib/registry/backend_registry.ts";
import { GIB } from "../../../lib/units.ts";
import { type Behaviour, FakeRpcBackend, type FakeRpcBackendOptions } from "../../fakes/fake_rpc_backend.ts";
import { until } from "../../fixtures/until.ts";

/** Fakes, and a registry that knows them. */
async function openBed(
  fakes: readonly FakeRpcBackendOptions[],
  options: Partial<RegistryOptions> = {},
): Promise<AsyncDisposable & { registry: BackendRegistry; backends: FakeRpcBackend[]; keys: string[] }> {
  await using stack = new AsyncDisposableStack();
  const backends = fakes.map((fake) => stack.use(new FakeRpcBackend(fake)));
  const registry = stack.use(new BackendRegistry({ logger: silentLogger, probeTimeoutMs: 300, ...options }));
  for (const { endpoint } of backends) registry.add(endpoint, "config");
  const owned = stack.move();
  return {
    registry,
    backends,
    keys: backends.map(({ endpoint }) => formatEndpoint(endpoint)),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

Deno.test("the registry learns what real sockets say", async () => {
  await using bed = await openBed([{ devices: [{ freeBytes: 20 * GIB, totalBytes: 24 * GIB }] }, {}]);
  await bed.registry.refresh();
  const [gpu, cpu] = bed.registry.views();
  deepEqual([gpu!.health, gpu!.protocol, gpu!.devices[0]!.kind], ["up", "8.0.0", "gpu"]);
  deepEqual([cpu!.devices[0]!.kind, cpu!.devices[0]!.memoryKey], ["cpu", "ram of this host"]);
  const { freeBytes, totalBytes } = cpu!.devices[0]!;
  ok(freeBytes > 0 && freeBytes < totalBytes, `this host has ${freeBytes} of ${totalBytes} bytes available`);
});

for (
  const { behaviour, health, reason } of [
    { behaviour: "silent", health: "held", reason: /serves another client, or hangs/ },
    { behaviour: "deaf", health: "held", reason: /did not answer/ },
    { behaviour: "slow", health: "down", reason: /sent only \d+ bytes of its answer/ },
    { behaviour: "truncated", health: "down", reason: /closed after 40 bytes/ },
    { behaviour: "hugeSize", health: "down", reason: /announces 4611686018427387904 bytes/ },
    { behaviour: "http", health: "down", reason: /not a ggml-rpc-server/ },
    { behaviour: "garbage", health: "down", reason: /does not speak the rpc protocol/ },
  ] satisfies { behaviour: Behaviour; health: string; reason: RegExp }[]
) {
  Deno.test(`a backend that is ${behaviour} is ${health}, and keeps nobody waiting`, async () => {
    await using bed = await openBed([{ behaviour, byteDelayMs: 1_000 }, {}]);
    const [bad, good] = bed.keys;
    await bed.registry.refresh({ endpoints: [good!] });
    equal(bed.registry.view(good!)!.health, "up");
    await until(() => bed.registry.view(bad!)!.health === health, `${behaviour} to be ${health}`);
    match(bed.registry.view(bad!)!.reason, reason);
  });
}

Deno.test("a backend that does not listen is down, and has no devices", async () => {
  const gone = new FakeRpcBackend();
  await gone[Symbol.asyncDispose]();
  await using registry = new BackendRegistry({ logger: silentLogger });
  registry.add(gone.endpoint, "admin");
  await registry.refresh();
  const view = registry.view(formatEndpoint(gone.endpoint))!;
  deepEqual([view.health, view.devices], ["down", []]);
  match(view.reason, /Nothing listens/);
});

Deno.test("a leased backend gets no connection at all, until it is released", async () => {
  await using bed = await openBed([{}], { trustMs: 20 });
  const [backend] = bed.backends;
  await until(() => backend!.acceptedCount > 6, "three checks, one each 20 ms");
  const lease = bed.registry.lease(bed.keys, "llama");
  await settled(backend!);
  const { acceptedCount } = backend!;
  await bed.registry.refresh({ withinMs: 100 });
  await settled(backend!);
  equal(backend!.acceptedCount, acceptedCount);
  lease[Symbol.dispose]();
  await until(() => backend!.acceptedCount > acceptedCount, "a check after the release");
  equal(backend!.hasDied(), false);
});

Deno.test("a lease amid probes never kills the backend", async () => {
  await using bed = await openBed([{}], { trustMs: 1 });
  await bed.registry.refresh();
  for (let round = 0; round < 200; round++) {
    using _lease = bed.registry.lease(bed.keys, "llama");
    await new Promise((resolve) => setTimeout(resolve, round % 4));
  }
  await bed.registry.refresh();
  deepEqual([bed.registry.views()[0]!.health, bed.backends[0]!.hasDied()], ["up", false]);
});

Deno.test("a stranger that leaves is noticed at once, by the parked connection", async () => {
  await using bed = await openBed([{}]);
  await bed.registry.refresh();
  {
    using _stranger = await Deno.connect({ hostname: "127.0.0.1", port: bed.backends[0]!.endpoint.port });
    await bed.registry.refresh();
    equal(bed.registry.views()[0]!.health, "held");
  }
  await until(() => bed.registry.views()[0]!.health === "up", "the backend to be up again");
  equal(bed.backends[0]!.hasDied(), false);
});

Deno.test("a diagnosis names the one that is gone, while the others stay usable", async () => {
  await using bed = await openBed([{}, {}], { probeTimeoutMs: 200 });
  await bed.registry.refresh();
  const lease = bed.registry.lease(bed.keys, "llama");
  await bed.backends[1]![Symbol.asyncDispose]();
  const found = await lease.diagnose({ timeoutMs: 200, signal: new AbortController().signal });
  deepEqual(found.map(({ verdict }) => verdict), ["up", "down"]);
  lease[Symbol.dispose]();
  deepEqual(bed.registry.views().map(({ health }) => health), ["up", "down"]);
});

Deno.test("among 60 backends that never answer, the one that does is known soon, and stays so", async () => {
  const silent = Array.from({ length: 60 }, () => ({ behaviour: "silent" as const }));
  await using bed = await openBed([{}, ...silent], { trustMs: 50 });
  const [good] = bed.backends;
  await until(() => bed.registry.views()[0]!.health === "up", "the first verdict");
  const { acceptedCount } = good!;
  await until(() => good!.acceptedCount > acceptedCount + 6, "three more checks");
  const areHeld = () => bed.registry.views().slice(1).every(({ health }) => health === "held");
  await until(areHeld, "all others to be called held");
});

/** Waits until what is under way at a fake has reached it. */
async function settled(backend: FakeRpcBackend): Promise<void> {
  for (let last = -1; last !== backend.acceptedCount;) {
    last = backend.acceptedCount;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

Deno.test("however many backends there are, and hang, fewer than 64 sockets are open at once", async () => {
  const quick = Array.from({ length: 200 }, () => ({}));
  const silent = Array.from({ length: 60 }, () => ({ behaviour: "silent" as const }));
  await using bed = await openBed([...silent, ...quick]);
  const ports = new Set(bed.backends.map(({ endpoint }) => endpoint.port));
  let maxCount = 0;
  for (let round = 0; round < 3; round++) {
    const refreshed = bed.registry.refresh({ withinMs: 5_000 });
    let isDone = false;
    void refreshed.then(() => isDone = true);
    while (!isDone) {
      maxCount = Math.max(maxCount, await countConnections(ports));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  ok(maxCount > 20 && maxCount < 64, `${maxCount} sockets were open at once`);
});

/** Sockets of clients of these ports that a process has open; closed ones that the kernel still sends for have no inode. */
async function countConnections(ports: ReadonlySet<number>): Promise<number> {
  const rows = (await Deno.readTextFile("/proc/net/tcp")).split("\n").map((row) => row.trim().split(/\s+/));
  return rows.filter(([, , peer = "", , , , , , , inode]) => (
    ports.has(parseInt(peer.slice(9), 16)) && inode !== "0"
  )).length;
}
