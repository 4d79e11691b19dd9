import { deepEqual, equal, match } from "node:assert/strict";
import { systemClock } from "../../../lib/clock.ts";
import { formatEndpoint } from "../../../lib/rpc/endpoint.ts";
import { ParkedProbes } from "../../../lib/rpc/parked_probes.ts";
import { probe } from "../../../lib/rpc/probe.ts";
import { hold } from "../../contracts/rpc_backend_contract.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { until } from "../../fixtures/until.ts";

/** For backends that are held. */
const TIMEOUT_MS = 100;

Deno.test("a parked probe answers for its held backend without another connection, and with its age", async () => {
  await using fake = new FakeRpcBackend();
  using parked = new ParkedProbes({ ...systemClock, monotonic: () => nowMs });
  let nowMs = 0;
  using holder = await hold(fake.endpoint);
  await probe(fake.endpoint, {
    timeoutMs: TIMEOUT_MS,
    parked,
    clock: { ...systemClock, monotonic: () => nowMs },
  });
  nowMs = 90_000;
  const { verdict, reason } = await probe(fake.endpoint, { parked });
  equal(verdict, "held");
  match(reason, /for 1 min 30 s at least/);
  holder.close();
  await until(() => parked.size === 0, "the parked probes to leave");
  equal(fake.acceptedCount, 2);
});

Deno.test("a parked probe leaves when the backend is free, and the next probe asks anew", async () => {
  await using fake = new FakeRpcBackend();
  using parked = new ParkedProbes();
  using holder = await hold(fake.endpoint);
  equal((await probe(fake.endpoint, { timeoutMs: TIMEOUT_MS, parked })).verdict, "held");
  holder.close();
  await until(() => parked.size === 0, "the parked probes to leave");
  equal((await probe(fake.endpoint, { parked })).verdict, "up");
});

Deno.test("a parked probe leaves when the backend dies", async () => {
  using parked = new ParkedProbes();
  {
    await using fake = new FakeRpcBackend();
    using _holder = await hold(fake.endpoint);
    await probe(fake.endpoint, { timeoutMs: TIMEOUT_MS, parked });
    equal(parked.size, 1);
  }
  await until(() => parked.size === 0, "the parked probes to leave");
});

Deno.test("two probes of one held backend at once leave only one parked", async () => {
  await using fake = new FakeRpcBackend();
  using parked = new ParkedProbes();
  using _holder = await hold(fake.endpoint);
  const ask = () => probe(fake.endpoint, { timeoutMs: TIMEOUT_MS, parked });
  const results = await Promise.all([ask(), ask()]);
  deepEqual([results.map((result) => result.verdict), parked.size], [["held", "held"], 1]);
});

Deno.test("disposed parked probes close what comes late, and kill no backend", async () => {
  await using fake = new FakeRpcBackend();
  const parked = new ParkedProbes();
  using holder = await hold(fake.endpoint);
  const late = probe(fake.endpoint, { timeoutMs: TIMEOUT_MS, parked });
  parked[Symbol.dispose]();
  equal((await late).verdict, "held");
  equal(parked.size, 0);
  holder.close();
  await until(() => fake.acceptedCount === 2, "the second connection");
  deepEqual([fake.hasDied(), (await probe(fake.endpoint)).verdict], [false, "up"]);
});

Deno.test("parked probes say which backend got free, once, and not when they leave themselves", async () => {
  await using fakes = new AsyncDisposableStack();
  const freed: string[] = [];
  using parked = new ParkedProbes(systemClock, {
    onFreed: (endpoint) => freed.push(formatEndpoint(endpoint)),
  });
  const [left, free] = [fakes.use(new FakeRpcBackend()), fakes.use(new FakeRpcBackend())];
  using _stays = await hold(left.endpoint);
  using holder = await hold(free.endpoint);
  for (const { endpoint } of [left, free]) await probe(endpoint, { timeoutMs: TIMEOUT_MS, parked });
  parked.leave(left.endpoint);
  holder.close();
  await until(() => parked.size === 0, "the parked probes to leave");
  deepEqual(freed, [formatEndpoint(free.endpoint)]);
});

Deno.test("no more probes are parked than may be", async () => {
  await using fakes = new AsyncDisposableStack();
  using holders = new DisposableStack();
  using parked = new ParkedProbes(systemClock, { maxCount: 1 });
  for (let at = 0; at < 2; at++) {
    const { endpoint } = fakes.use(new FakeRpcBackend());
    holders.use(await hold(endpoint));
    equal((await probe(endpoint, { timeoutMs: TIMEOUT_MS, parked })).verdict, "held");
  }
  equal(parked.size, 1);
});
