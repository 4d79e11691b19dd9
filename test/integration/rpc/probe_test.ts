import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { probe } from "../../../lib/rpc/probe.ts";
import { parseVersion, RPC_COMMAND } from "../../../lib/rpc/protocol.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRpcBackend, type FakeRpcBackendOptions } from "../../fakes/fake_rpc_backend.ts";

/** For backends that do not answer in any time. */
const TIMEOUT_MS = 100;

for (
  const { name, backend, want, verdict, reason } of [
    {
      name: "a backend that answers",
      backend: {},
      verdict: "up",
      reason: /offers 1 device with 24\.0 GiB free/,
    },
    { name: "the wanted version", backend: {}, want: "8.0.0", verdict: "up", reason: /protocol 8\.0\.0/ },
    {
      name: "another patch level",
      backend: {},
      want: "8.0.1",
      verdict: "mismatch",
      reason: /same llama\.cpp build/,
    },
    {
      name: "a backend before 4.0",
      backend: { version: parseVersion("3.6.1") },
      verdict: "mismatch",
      reason: /protocol 3\.6\.1, which is older/,
    },
    {
      name: "a backend without a device",
      backend: { devices: [] },
      verdict: "down",
      reason: /offers no device/,
    },
    {
      name: "a slow backend",
      backend: { behaviour: "slow" },
      verdict: "down",
      reason: /sent only \d+ bytes/,
    },
    {
      name: "a cut answer",
      backend: { behaviour: "truncated" },
      verdict: "down",
      reason: /closed after 40 bytes/,
    },
    {
      name: "a huge size",
      backend: { behaviour: "hugeSize" },
      verdict: "not-rpc",
      reason: /4611686018427387904 bytes/,
    },
    {
      name: "who never reads nor closes",
      backend: { behaviour: "silent" },
      verdict: "held",
      reason: /hangs/,
    },
    {
      name: "who closes but never answers",
      backend: { behaviour: "deaf" },
      verdict: "held",
      reason: /was free but/,
    },
    {
      name: "who closes at once",
      backend: { behaviour: "closesAtOnce" },
      verdict: "not-rpc",
      reason: /closes without an answer/,
    },
    {
      name: "an HTTP server",
      backend: { behaviour: "http" },
      verdict: "not-rpc",
      reason: /is an HTTP server/,
    },
    { name: "a TLS server", backend: { behaviour: "tls" }, verdict: "not-rpc", reason: /is a TLS server/ },
    { name: "an SSH server", backend: { behaviour: "ssh" }, verdict: "not-rpc", reason: /is an SSH server/ },
    {
      name: "garbage",
      backend: { behaviour: "garbage" },
      verdict: "not-rpc",
      reason: /does not speak the rpc/,
    },
  ] satisfies {
    name: string;
    backend: FakeRpcBackendOptions;
    want?: string;
    verdict: string;
    reason: RegExp;
  }[]
) {
  Deno.test(`probe() calls ${name} ${verdict}`, async () => {
    await using fake = new FakeRpcBackend(backend);
    const wantVersion = want === undefined ? {} : { wantVersion: parseVersion(want) };
    const isMute = ["slow", "silent", "deaf"].includes(backend.behaviour ?? "ok");
    const result = await probe(fake.endpoint, {
      ...wantVersion,
      ...(isMute ? { timeoutMs: TIMEOUT_MS } : {}),
    });
    match(result.reason, reason);
    equal(result.verdict, verdict);
  });
}

Deno.test("probe() tells version, memory of each device in order, and times", async () => {
  const devices = [24, 12, 8].map((gib) => ({ freeBytes: (gib - 1) * GIB, totalBytes: gib * GIB }));
  await using fake = new FakeRpcBackend({ devices, version: parseVersion("5.1.2") });
  const { endpoint, version, devices: found, connectMs, answerMs } = await probe(fake.endpoint);
  deepEqual([endpoint, version, found], [fake.endpoint, parseVersion("5.1.2"), devices]);
  ok(connectMs! > 0 && answerMs! > 0);
});

Deno.test("probe() sends nothing that could change the backend, and leaves it free", async () => {
  await using fake = new FakeRpcBackend({
    devices: [...Array(3)].map(() => ({ freeBytes: 0, totalBytes: 0 })),
  });
  await probe(fake.endpoint);
  const { hello, deviceCount, getDeviceMemory } = RPC_COMMAND;
  deepEqual(fake.commands, [hello, deviceCount, getDeviceMemory, getDeviceMemory, getDeviceMemory]);
  equal((await probe(fake.endpoint)).verdict, "up");
});

Deno.test("probe() sends no byte before a backend has shown that it is free: an abandoned HELLO kills it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const probing = probe({ host: "127.0.0.1", port: listener.addr.port }, { timeoutMs: TIMEOUT_MS });
  using knock = await listener.accept();
  equal(await knock.read(new Uint8Array(64)), null);
  equal((await probing).verdict, "held");
});

Deno.test("probe() drops by RST a HELLO that another client overtook: a FIN would kill the backend", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const probing = probe({ host: "127.0.0.1", port: listener.addr.port }, { timeoutMs: TIMEOUT_MS });
  (await listener.accept()).close();
  using overtaken = await listener.accept();
  equal((await probing).verdict, "held");
  await overtaken.read(new Uint8Array(256));
  await rejects(overtaken.read(new Uint8Array(256)), Deno.errors.ConnectionReset);
});

for (
  const { name, endpoint, reason } of [
    {
      name: "a closed port",
      endpoint: { host: "127.0.0.1", port: 1 },
      reason: /^Nothing listens at 127\.0\.0\.1:1;/,
    },
    {
      name: "an unknown name",
      endpoint: { host: "shelf.invalid", port: 1 },
      reason: /resolve "shelf\.invalid"/,
    },
    {
      name: "no route",
      endpoint: { host: "255.255.255.255", port: 1 },
      reason: /^(No route|Cannot connect) to/,
    },
  ]
) {
  Deno.test(`probe() calls ${name} down`, async () => {
    const result = await probe(endpoint);
    match(result.reason, reason);
    equal(result.verdict, "down");
    equal(result.connectMs, undefined);
  });
}

Deno.test("probe() reaches a name by IPv4 although it has an IPv6 address too", async () => {
  await using fake = new FakeRpcBackend();
  equal((await probe({ host: "localhost", port: fake.endpoint.port })).verdict, "up");
});

for (const behaviour of ["silent", "deaf", "slow"] as const) {
  Deno.test(`probe() of a ${behaviour} backend rejects with the signal's reason when that aborts`, async () => {
    await using fake = new FakeRpcBackend({ behaviour });
    const leaving = new AbortController();
    const probing = probe(fake.endpoint, { signal: leaving.signal });
    await delay(20);
    const reason = new Error("shutting down");
    leaving.abort(reason);
    await rejects(probing, reason);
  });
}

Deno.test("probe() connects to nothing when its signal has aborted before", async () => {
  await using fake = new FakeRpcBackend();
  await rejects(probe(fake.endpoint, { signal: AbortSignal.abort() }), { name: "AbortError" });
  equal(fake.acceptedCount, 0);
});

Deno.test("probe() has one timeout for all its connections together", async () => {
  await using fake = new FakeRpcBackend({ behaviour: "slow" });
  const clock = new FakeClock();
  const probing = probe(fake.endpoint, { timeoutMs: 2_000, clock });
  clock.advance(1_999);
  while (fake.commands.length === 0) await delay(1);
  clock.advance(1);
  match((await probing).reason, /2\.0 s/);
});
