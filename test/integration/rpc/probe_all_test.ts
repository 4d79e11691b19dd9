import { deepEqual, equal, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { probeAll } from "../../../lib/rpc/probe_all.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("probeAll() keeps the order of its endpoints, however long each takes", async () => {
  await using silent = new FakeRpcBackend({ behaviour: "silent" });
  await using up = new FakeRpcBackend();
  const nobody = { host: "127.0.0.1", port: 1 };
  const endpoints = [silent.endpoint, nobody, up.endpoint];
  const results = await probeAll(endpoints, { timeoutMs: 500 });
  deepEqual(results.map(({ endpoint, verdict }) => ({ endpoint, verdict })), [
    { endpoint: silent.endpoint, verdict: "held" },
    { endpoint: nobody, verdict: "down" },
    { endpoint: up.endpoint, verdict: "up" },
  ]);
});

Deno.test("probeAll() has no more probes under way than it is allowed", async () => {
  await using fakes = new AsyncDisposableStack();
  const backends = Array.from({ length: 6 }, () => fakes.use(new FakeRpcBackend({ behaviour: "silent" })));
  const clock = new FakeClock();
  const probing = probeAll(backends.map((fake) => fake.endpoint), {
    concurrency: 2,
    timeoutMs: 2_000,
    clock,
  });
  const probedCount = () => backends.filter((fake) => fake.acceptedCount > 0).length;
  for (const count of [2, 4, 6]) {
    await until(() => probedCount() >= count, `${count} probes`);
    await delay(10);
    equal(probedCount(), count);
    clock.advance(2_000);
  }
  equal((await probing).length, 6);
});

Deno.test("probeAll() of nothing is nothing", async () => {
  deepEqual(await probeAll([]), []);
});

Deno.test("probeAll() rejects when its signal aborts, and starts no further probe", async () => {
  await using first = new FakeRpcBackend({ behaviour: "silent" });
  await using second = new FakeRpcBackend({ behaviour: "silent" });
  const leaving = new AbortController();
  const probing = probeAll([first.endpoint, second.endpoint], { concurrency: 1, signal: leaving.signal });
  setTimeout(() => leaving.abort(new Error("shutting down")), 20);
  await rejects(probing, /shutting down/);
  equal(second.acceptedCount, 0);
});
