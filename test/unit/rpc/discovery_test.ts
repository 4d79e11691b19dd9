import { deepEqual, equal, rejects } from "node:assert/strict";
import { discover, longestScanMs } from "../../../lib/rpc/discovery.ts";
import { type Endpoint, formatEndpoint } from "../../../lib/rpc/endpoint.ts";
import { parseIpv4Range } from "../../../lib/rpc/ipv4_range.ts";
import type { ProbeOptions, ProbeResult } from "../../../lib/rpc/probe.ts";
import type { Verdict } from "../../../lib/rpc/verdict.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function resultOf(endpoint: Endpoint, verdict: Verdict, connectMs: number | undefined): ProbeResult {
  return {
    ...{ endpoint, verdict, reason: "", version: undefined, devices: [], connectMs, answerMs: undefined },
  };
}

/** Whoever sleeps wakes at once, so much later. */
class HastyClock extends FakeClock {
  override sleep(ms: number): Promise<void> {
    this.advance(ms);
    return Promise.resolve();
  }
}

/** Answers at the given endpoints, silence elsewhere; counts how many probes are under way. */
class FakeNetwork {
  readonly asked: string[] = [];
  readonly timeouts = new Set<number | undefined>();
  underWayCount = 0;
  peakCount = 0;

  constructor(readonly answers: Record<string, Verdict>, readonly clock = new HastyClock()) {}

  probe = async (endpoint: Endpoint, { timeoutMs, signal }: ProbeOptions): Promise<ProbeResult> => {
    const name = formatEndpoint(endpoint);
    this.asked.push(name);
    this.timeouts.add(timeoutMs);
    this.peakCount = Math.max(this.peakCount, ++this.underWayCount);
    await Promise.resolve();
    signal?.throwIfAborted();
    this.underWayCount--;
    const verdict = this.answers[name];
    return resultOf(endpoint, verdict ?? "down", verdict && 1);
  };
}

Deno.test("discover() lists what answers in the order of addresses, and counts the rest", async () => {
  const network = new FakeNetwork({
    "10.0.0.9:50052": "up",
    "10.0.0.10:50052": "held",
    "10.0.0.2:50052": "not-rpc",
    "10.0.0.4:50052": "down", // took the connection, then broke: worth a look
    "10.0.0.5:50052": "mismatch",
  });
  const { found, askedCount, unansweredCount } = await discover(parseIpv4Range("10.0.0.0/28"), network);
  deepEqual(found.map(({ endpoint, verdict }) => `${endpoint.host} ${verdict}`), [
    "10.0.0.2 not-rpc",
    "10.0.0.4 down",
    "10.0.0.5 mismatch",
    "10.0.0.9 up",
    "10.0.0.10 held",
  ]);
  deepEqual([askedCount, unansweredCount], [14, 9]);
});

Deno.test("discover() asks each port of each address once, however often it is named", async () => {
  const network = new FakeNetwork({});
  const { askedCount } = await discover(["10.0.0.1", "10.0.0.2"], {
    probe: network.probe,
    ports: [50052, 50053, 50052],
    timeoutMs: 70,
  });
  equal(askedCount, 4);
  deepEqual(network.asked, ["10.0.0.1:50052", "10.0.0.1:50053", "10.0.0.2:50052", "10.0.0.2:50053"]);
  deepEqual([...network.timeouts], [70]);
});

Deno.test("discover() never has more than 64 probes under way, whatever it is asked for", async () => {
  const addresses = parseIpv4Range("10.0.0.0/20");
  for (
    const { concurrency, peakCount } of [{ concurrency: 10_000, peakCount: 64 }, {
      concurrency: 3,
      peakCount: 3,
    }]
  ) {
    const network = new FakeNetwork({});
    const { askedCount } = await discover(addresses, { probe: network.probe, concurrency });
    deepEqual([network.peakCount, askedCount], [peakCount, 4_094]);
  }
});

Deno.test("discover() tells of each find as it comes, and of its progress", async () => {
  const network = new FakeNetwork({ "10.0.0.1:50052": "up", "10.0.0.3:50052": "held" });
  const told: string[] = [];
  await discover(["10.0.0.1", "10.0.0.2", "10.0.0.3"], {
    ...network,
    concurrency: 1,
    onFound: ({ endpoint }) => told.push(endpoint.host),
    onProgress: (doneCount, totalCount) => told.push(`${doneCount} of ${totalCount}`),
  });
  deepEqual(told, ["10.0.0.1", "1 of 3", "2 of 3", "10.0.0.3", "3 of 3"]);
});

Deno.test("discover() measures its time by the clock that it is given", async () => {
  const clock = new FakeClock();
  const probe = (endpoint: Endpoint) => {
    clock.advance(500);
    return Promise.resolve(resultOf(endpoint, "down", undefined));
  };
  equal((await discover(["10.0.0.1", "10.0.0.2"], { probe, clock })).elapsedMs, 1_000);
});

Deno.test("discover() looks again, with more patience, at one that seems to be held", async () => {
  const clock = new HastyClock();
  const asked: { timeoutMs: number | undefined; isParked: boolean; atMs: number }[] = [];
  const startMs = clock.monotonic();
  const { found } = await discover(["10.0.0.1"], {
    clock,
    timeoutMs: 300,
    probe: (endpoint, { timeoutMs, parked }) => {
      asked.push({ timeoutMs, isParked: parked !== undefined, atMs: clock.monotonic() - startMs });
      return Promise.resolve(resultOf(endpoint, asked.length === 1 ? "held" : "up", 1));
    },
  });
  deepEqual(found.map(({ verdict }) => verdict), ["up"]);
  deepEqual(asked, [{ timeoutMs: 300, isParked: true, atMs: 0 }, {
    timeoutMs: 1_000,
    isParked: true,
    atMs: 1_000,
  }]);
});

Deno.test("discover() rejects with the signal's reason, and asks no further", async () => {
  const stop = new AbortController();
  const network = new FakeNetwork({});
  const scanning = discover(parseIpv4Range("10.0.0.0/24"), {
    probe: network.probe,
    signal: stop.signal,
    concurrency: 2,
    onProgress: (doneCount) => doneCount === 10 && stop.abort(new Error("interrupted")),
  });
  await rejects(scanning, /interrupted/);
  equal(network.asked.length < 20, true, `${network.asked.length} were asked`);
});

Deno.test("discover() of no address is nothing", async () => {
  deepEqual((await discover([])).found, []);
});

for (
  const { name, addressCount, options, wantMs } of [
    { name: "a /20 with the usual timeout", addressCount: 4_096, options: {}, wantMs: 32_000 },
    { name: "a /24", addressCount: 254, options: {}, wantMs: 2_000 },
    { name: "one address", addressCount: 1, options: { timeoutMs: 200 }, wantMs: 200 },
    { name: "two ports", addressCount: 64, options: { ports: [1, 2] }, wantMs: 1_000 },
  ]
) {
  Deno.test(`longestScanMs() bounds ${name}`, () => {
    equal(longestScanMs(addressCount, options), wantMs);
  });
}
