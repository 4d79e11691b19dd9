import { deepEqual, ok, rejects } from "node:assert/strict";
import { discover } from "../../../lib/rpc/discovery.ts";
import { parseIpv4Range } from "../../../lib/rpc/ipv4_range.ts";
import { probe } from "../../../lib/rpc/probe.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { until } from "../../fixtures/until.ts";

/** A listener that takes no connection and whose queue is full: like a firewall, it drops what comes next. */
async function openBlackHole(hostname: string, wantPort = 0): Promise<Disposable & { port: number }> {
  using owned = new DisposableStack();
  const { port } = owned.use(Deno.listen({ hostname, port: wantPort, tcpBacklog: 1 })).addr;
  for (let waiting = 0; waiting < 2; waiting++) owned.use(await Deno.connect({ hostname, port }));
  return Object.assign(owned.move(), { port });
}

Deno.test("discover() finds the few of a /24 that listen, and harms none of them", async () => {
  await using owned = new AsyncDisposableStack();
  const up = owned.use(new FakeRpcBackend({ hostname: "127.0.77.20" }));
  const { port } = up.endpoint;
  const held = owned.use(new FakeRpcBackend({ hostname: "127.0.77.21", port }));
  owned.use(new FakeRpcBackend({ hostname: "127.0.77.22", port, behaviour: "http" }));
  owned.use(new FakeRpcBackend({ hostname: "127.0.77.23", port, behaviour: "silent" }));
  owned.use(new FakeRpcBackend({ hostname: "127.0.77.24", port, behaviour: "truncated" }));
  owned.use(
    new FakeRpcBackend({ hostname: "127.0.77.200", port, version: { major: 3, minor: 6, patch: 1 } }),
  );
  owned.use(await openBlackHole("127.0.77.25", port));
  const holder = await Deno.connect({ hostname: "127.0.77.21", port });
  owned.use(holder);
  await until(() => held.acceptedCount === 1, "the held one has its client");

  const { found, askedCount, unansweredCount, elapsedMs } = await discover(parseIpv4Range("127.0.77.0/24"), {
    ports: [port],
    timeoutMs: 300,
  });
  deepEqual(found.map(({ endpoint, verdict }) => `${endpoint.host} ${verdict}`), [
    "127.0.77.20 up",
    "127.0.77.21 held",
    "127.0.77.22 not-rpc",
    "127.0.77.23 held",
    "127.0.77.24 down",
    "127.0.77.200 mismatch",
  ]);
  deepEqual([askedCount, unansweredCount], [254, 248]);
  ok(elapsedMs < 8_000, `it took ${elapsedMs} ms`);

  holder[Symbol.dispose]();
  const { verdict } = await probe(held.endpoint, { timeoutMs: 2_000 });
  deepEqual([held.hasDied(), up.hasDied(), verdict], [false, false, "up"]);
});

Deno.test("discover() ends at once when it is interrupted amid black holes", async () => {
  using hole = await openBlackHole("127.0.77.30");
  const stop = new AbortController();
  const scanning = discover(["127.0.77.30"], {
    ports: [hole.port],
    timeoutMs: 3_600_000,
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(new Error("interrupted")), 20);
  await rejects(scanning, /interrupted/);
});

Deno.test("discover() of a black hole is over when its timeout is", async () => {
  using hole = await openBlackHole("127.0.77.31");
  const { found, unansweredCount, elapsedMs } = await discover(["127.0.77.31"], {
    ports: [hole.port],
    timeoutMs: 100,
  });
  deepEqual([found, unansweredCount], [[], 1]);
  ok(elapsedMs >= 95 && elapsedMs < 1_000, `it took ${elapsedMs} ms`);
});
