import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Secrets } from "../../../lib/config/secrets.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import type { KnownNode, NodeEvent, NodeLease, NodeModel } from "../../../lib/nodes/node.ts";
import { NodeRegistry } from "../../../lib/nodes/node_registry.ts";
import type { NodeSettings } from "../../../lib/nodes/node_settings.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { brokenOffBy, failedBy, FakeNodeHttp, refusedBy } from "../../fakes/fake_node_http.ts";

const { key } = toWanted("big");
const DIGEST = "b".repeat(64);

function at(port: number, settings: Partial<NodeSettings> = {}): NodeSettings {
  return {
    name: `n${port}`,
    url: `http://x:${port}`,
    slotCount: 100,
    weight: 1,
    tags: [],
    allowedModels: [],
    memoryBytes: undefined,
    apiKey: undefined,
    wake: undefined,
    isLocal: false,
    sources: ["config"],
    aliases: [],
    ...settings,
  };
}

/** Nodes without a socket, and a clock that moves when told to. */
class Bed implements AsyncDisposable {
  readonly http = new FakeNodeHttp();
  readonly clock = new FakeClock();
  readonly lines: Record<string, unknown>[] = [];
  readonly events: NodeEvent[] = [];
  readonly relisted: string[] = [];
  readonly listed: string[] = [];
  readonly nodes: NodeRegistry;
  changeCount = 0;

  /** @param remembered What nodes held before a restart, by port: names of models and their digests. */
  constructor(
    list: readonly NodeSettings[],
    remembered: Readonly<Record<number, Record<string, string>>> = {},
  ) {
    this.nodes = new NodeRegistry({
      http: this.http,
      clock: this.clock,
      logger: createLogger({ sink: (line) => this.lines.push(JSON.parse(line)) }),
      random: () => 0.5,
      settings: () => ({ checkEveryMs: 5_000, stallMs: 30_000 }),
      onEvent: (event) => this.events.push(event),
      onModels: ({ name }) => this.relisted.push(name),
      onListed: (url, models) => this.listed.push(`${url} ${[...models.values()].map(({ name }) => name)}`),
      recall: (url) => {
        const held = remembered[Number(url.split(":").at(-1))];
        return held && Object.entries(held).map(([name, digest]) => modelOf(name, digest));
      },
    });
    this.nodes.apply(list);
    this.nodes.onChange(() => this.changeCount++);
  }

  static async started(...list: NodeSettings[]): Promise<Bed> {
    const bed = new Bed(list);
    await bed.nodes.start();
    return bed;
  }

  node(index = 0): KnownNode {
    return this.nodes.nodes[index]!;
  }

  take(index = 0, of = key): NodeLease {
    const lease = this.nodes.lease(this.node(index), of);
    ok(lease, this.node(index).unsoundness ?? "no slot");
    return lease;
  }

  /** Takes a lease, lets it report, and gives it back. */
  use(report: (lease: NodeLease) => void, index = 0): void {
    using lease = this.take(index);
    report(lease);
  }

  /** Lets so much time pass in small steps, and all that it sets going. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      this.clock.advance(250);
      await setImmediate();
    }
  }

  get health(): string[] {
    return this.nodes.nodes.map((node) => node.health);
  }

  holders(model = "big"): string[] {
    return this.nodes.holdersOf(toWanted(model).key).map(({ name }) => name);
  }

  /** How often this one was checked. */
  checkCount(port: number): number {
    return this.http.asked.filter((asked) => asked === `${port} /api/version`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.http.release();
    await this.nodes[Symbol.asyncDispose]();
  }
}

function modelOf(name: string, digest: string): NodeModel {
  const { key } = toWanted(name);
  const told = { quantization: undefined, parameterSize: undefined, family: undefined, modifiedAtMs: 0 };
  return { key, name, digest, sizeBytes: 1, ...told };
}

const fails = (lease: NodeLease) => lease.reportFailure(brokenOffBy(1));

Deno.test("nobody is asked before the start; from then on one that is up is asked every 5 s", async () => {
  await using bed = new Bed([at(1)]);
  await bed.pass(30_000);
  deepEqual([bed.health, bed.http.asked, bed.node().isSound], [["unknown"], [], false]);
  await bed.nodes.start();
  deepEqual([bed.health, bed.checkCount(1), bed.node().isSound], [["up"], 1, true]);
  await bed.pass(50_000);
  equal(bed.checkCount(1), 11);
});

Deno.test("a new node has no figures yet, which is not the same as none", async () => {
  await using bed = await Bed.started(at(1));
  const { firstTokenMs, memoryBytes, ageMs, version } = bed.nodes.views()[0]!;
  deepEqual([firstTokenMs, memoryBytes, ageMs, version], [undefined, undefined, 0, "0.33.0"]);
  const node = bed.node();
  deepEqual([node.tokensPerSecondOf(key), node.hasRefused(key), node.residentBytes], [
    undefined,
    false,
    0,
  ]);
});

Deno.test("one that is down is asked again so often that it is used within 3 s of its return", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { as: "refused" });
  await bed.nodes.start();
  for (const downMs of [0, 10_000, 600_000]) {
    await bed.pass(downMs);
    equal(bed.health[0], "down");
    bed.http.set(1, {});
    await bed.pass(3_000);
    equal(bed.health[0], "up", `after ${downMs} ms`);
    bed.http.set(1, { as: "refused" });
    bed.use((lease) => lease.reportFailure(refusedBy(1)));
  }
  const count = bed.checkCount(1);
  await bed.pass(600_000);
  ok(bed.checkCount(1) - count < 300, "it costs more than one look in 2 s");
});

Deno.test("each change of health is one line and one event, with the reason", async () => {
  await using bed = await Bed.started(at(1));
  bed.http.set(1, { as: "refused" });
  await bed.pass(20_000);
  bed.http.set(1, {});
  await bed.pass(3_000);
  deepEqual(bed.lines.map(({ level, message, node, from, to }) => [level, message, node, from, to]), [
    ["info", "ollama node health", "n1", "unknown", "up"],
    ["warn", "ollama node health", "n1", "up", "down"],
    ["info", "ollama node health", "n1", "down", "up"],
  ]);
  deepEqual(bed.events.map(({ health }) => health), ["up", "down", "up"]);
  match(bed.events[1]!.reason, /Cannot connect to http:\/\/x:1/);
  match(bed.node().reason, /^it answers; Ollama 0\.33\.0 with 1 model$/);
});

Deno.test("one silence is forgiven, a second one soon after it is not", async () => {
  await using bed = await Bed.started(at(1));
  bed.http.set(1, { as: "silent" });
  await bed.pass(5_000 + 2_000);
  deepEqual([bed.health, bed.checkCount(1)], [["up"], 2]);
  await bed.pass(1_000 + 2_000 + 250);
  deepEqual(bed.health, ["down"]);
  match(bed.node().unsoundness!, /^down: it did not answer whole within 2\.0 s/);
});

Deno.test("the start waits for all, but not for long, and a silent one holds up no other", async () => {
  await using bed = new Bed([at(1), at(2)]);
  bed.http.set(1, { as: "waits" });
  let isStarted = false;
  const started = bed.nodes.start().then(() => isStarted = true);
  await bed.pass(2_250);
  deepEqual([isStarted, bed.health], [false, ["unknown", "up"]]);
  await bed.pass(250);
  await started;
});

Deno.test("fifty that are switched off keep nobody from being seen to come back within 5 s", async () => {
  const silent = Array.from({ length: 50 }, (_, index) => at(index + 2));
  await using bed = new Bed([...silent, at(1)]);
  for (const port of [1, ...silent.map((_, index) => index + 2)]) bed.http.set(port, { as: "silent" });
  const started = bed.nodes.start();
  await bed.pass(60_000);
  await started;
  bed.http.set(1, {});
  await bed.pass(5_000);
  equal(bed.health.at(-1), "up");
});

Deno.test("slots are given out one by one, and never more than there are", async () => {
  await using bed = await Bed.started(at(1, { slotCount: 3 }));
  const leases = Array.from({ length: 10 }, () => bed.nodes.lease(bed.node(), key)).filter((lease) => lease);
  deepEqual([leases.length, bed.node().inFlightCount, bed.node().isSound], [3, 3, true]);
  const before = bed.changeCount;
  leases[0]![Symbol.dispose]();
  leases[0]![Symbol.dispose](); // a second time changes nothing
  deepEqual([bed.node().inFlightCount, bed.changeCount], [2, before + 1]);
  ok(bed.nodes.lease(bed.node(), key));
  equal(bed.nodes.lease(bed.node(), key), undefined);
});

Deno.test("each choice has a later turn than the one before, whatever the node", async () => {
  await using bed = await Bed.started(at(1), at(2));
  using _first = bed.take(1);
  using _second = bed.take(0);
  ok(bed.node(0).lastTurn > bed.node(1).lastTurn);
});

Deno.test("a lease names the model as the node spells it", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { tags: ["BIG:Latest"] });
  await bed.nodes.start();
  equal(bed.take().modelName, "BIG:Latest");
  equal(bed.take(0, toWanted("other:7b").key).modelName, "other:7b");
});

Deno.test("where a node is and what it asks for is told to requests, and to nobody else", async () => {
  await using bed = await Bed.started(at(1, { url: "http://x:1/base", apiKey: new Secrets(["top-secret"]) }));
  const { address, basePath, headers } = bed.node();
  deepEqual([address, basePath], [{ transport: "tcp", hostname: "x", port: 1 }, "/base"]);
  deepEqual(headers, [["authorization", "Bearer top-secret"]]);
  const shown = JSON.stringify([bed.lines, bed.nodes.views(), bed.nodes.nodes, bed.take(), bed.events]);
  ok(!shown.includes("top-secret"), shown);
  ok(!Deno.inspect([bed.nodes, bed.nodes.views(), bed.node()], { depth: 9 }).includes("top-secret"));
});

Deno.test("those that hold a model are found by its key, in the order of the nodes, up or down", async () => {
  await using bed = new Bed([at(1), at(2), at(3)]);
  bed.http.set(2, { tags: ["other"] });
  await bed.nodes.start();
  deepEqual([bed.holders(), bed.holders("OTHER"), bed.holders("none")], [["n1", "n3"], ["n2"], []]);
  bed.http.set(3, { as: "refused" });
  bed.http.set(2, { tags: ["big", "other"] });
  await bed.pass(5_250);
  deepEqual([bed.health, bed.holders()], [["up", "up", "down"], ["n1", "n2", "n3"]]);
  bed.nodes.apply([at(3), at(2)]);
  deepEqual(bed.holders(), ["n3", "n2"]);
});

Deno.test("a change of what a node holds is told once, and what has not changed is not", async () => {
  await using bed = await Bed.started(at(1), at(2));
  await bed.pass(20_000);
  deepEqual(bed.relisted, ["n1", "n2"]);
  bed.http.set(2, { tags: ["big", "new"] });
  await bed.pass(5_250);
  deepEqual([bed.relisted, bed.holders("new")], [["n1", "n2", "n2"], ["n2"]]);
});

Deno.test("two models of one name are warned of once", async () => {
  await using bed = new Bed([at(1), at(2)]);
  bed.http.set(2, { tags: [{ name: "big", digest: DIGEST, size: 1 }] });
  await bed.nodes.start();
  await bed.pass(20_000);
  const warnings = bed.lines.filter(({ level }) => level === "warn");
  deepEqual(warnings.map(({ message, model, digests }) => [message, model, digests]), [
    ["nodes hold different models of one name", "big", "n1 has aaaaaaaaaaaa, n2 has bbbbbbbbbbbb"],
  ]);
});

Deno.test("what a node held before a restart counts until it has told anew, whatever its health", async () => {
  await using bed = new Bed([at(1), at(2)], { 1: { big: DIGEST, old: DIGEST } });
  deepEqual([bed.relisted, bed.holders(), bed.holders("old")], [["n1"], ["n1"], ["n1"]]);
  bed.http.set(1, { as: "refused" });
  await bed.nodes.start();
  deepEqual([bed.health, bed.holders(), bed.holders("old")], [["down", "up"], ["n1", "n2"], ["n1"]]);
  equal(bed.nodes.views()[0]!.models.length, 2);
  bed.http.set(1, { tags: ["other"] });
  await bed.pass(3_000);
  deepEqual([bed.holders(), bed.holders("old"), bed.holders("other")], [["n2"], [], ["n1"]]);
});

Deno.test("those that were never asked what they hold are told, until they have answered", async () => {
  await using bed = new Bed([at(1), at(2), at(3)], { 1: { big: DIGEST }, 3: {} });
  const unasked = () => bed.nodes.unaskedNodes.map(({ name }) => name);
  deepEqual(unasked(), ["n2"]);
  bed.http.set(2, { as: "refused" });
  await bed.nodes.start();
  deepEqual(unasked(), ["n2"]);
  bed.nodes.apply([at(1), at(2), at(3), at(4)]);
  deepEqual(unasked(), ["n2", "n4"]);
  bed.http.set(2, { tags: [] });
  await bed.pass(3_000);
  deepEqual(unasked(), []);
  bed.http.set(2, { as: "refused" });
  await bed.pass(10_000);
  deepEqual([bed.health[1], unasked()], ["down", []]);
});

Deno.test("two models of one name are no warning while that is only remembered, and one when it is seen", async () => {
  await using bed = new Bed([at(1), at(2)], { 1: { big: "a".repeat(64) }, 2: { big: DIGEST } });
  const warnings = () => bed.lines.flatMap(({ digests }) => digests === undefined ? [] : [digests]);
  bed.http.set(2, { as: "refused" });
  await bed.nodes.start();
  deepEqual([bed.holders(), warnings()], [["n1", "n2"], []]);
  bed.http.set(2, { tags: [{ name: "big", digest: DIGEST, size: 1 }] }); // as is remembered
  await bed.pass(3_000);
  deepEqual(warnings(), ["n1 has aaaaaaaaaaaa, n2 has bbbbbbbbbbbb"]);
});

Deno.test("each good check tells what is listed, and no other does", async () => {
  await using bed = new Bed([at(1)], { 1: { old: DIGEST } });
  bed.http.set(1, { as: "refused" });
  await bed.nodes.start();
  deepEqual(bed.listed, []);
  bed.http.set(1, {});
  await bed.pass(8_000);
  deepEqual([...new Set(bed.listed)], ["http://x:1 big"]);
  ok(bed.listed.length >= 2);
});

Deno.test("what a node has in memory is summed, and forgotten when the node is gone", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { ps: [{ name: "big", size: 10, size_vram: 99 }, { name: "b", size: 5 }] });
  await bed.nodes.start();
  deepEqual([bed.node().residentBytes, bed.node().resident.get(key)?.vramBytes], [15, 10]);
  bed.http.set(1, { ps: { status: 500 } });
  await bed.pass(5_250);
  equal(bed.node().residentBytes, 15); // it did not tell, and what was known is kept
  bed.use((lease) => lease.reportFailure(refusedBy(1)));
  deepEqual([bed.node().residentBytes, bed.node().models.size], [0, 1]);
});

Deno.test("a failed connect takes a node down at once, whatever a check under way will find", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.take();
  bed.http.set(1, { as: "waits" });
  await bed.pass(5_250);
  equal(bed.checkCount(1), 2);
  lease.reportFailure(refusedBy(1));
  equal(bed.health[0], "down");
  bed.http.release();
  await bed.pass(250);
  deepEqual([bed.health, bed.nodes.lease(bed.node(), key)], [["down"], undefined]);
});

Deno.test("three failures in a row open the breaker; its trial closes it, and all of that is told", async () => {
  await using bed = await Bed.started(at(1));
  for (let count = 0; count < 3; count++) bed.use(fails);
  deepEqual([bed.node().breaker, bed.node().isSound, bed.health[0]], ["open", false, "up"]);
  match(bed.node().unsoundness!, /^left alone for 1\.0 s after failures: Got no answer from http:\/\/x:1/);
  equal(bed.nodes.lease(bed.node(), key), undefined);
  const before = bed.changeCount;
  await bed.pass(1_000);
  deepEqual([bed.node().breaker, bed.node().isSound], ["half-open", true]);
  ok(bed.changeCount > before, "nobody was told that there is a trial");
  const trial = bed.take();
  deepEqual([bed.node().isSound, bed.nodes.lease(bed.node(), key)], [false, undefined]);
  match(bed.node().unsoundness!, /^on trial with one request: /);
  trial.reportServed();
  deepEqual([bed.node().breaker, bed.node().isSound], ["closed", true]);
  const told = bed.lines.filter(({ message }) => message === "ollama node breaker");
  deepEqual(told.map(({ level, from, to }) => [level, from, to]), [
    ["warn", "closed", "open"],
    ["info", "open", "half-open"],
    ["info", "half-open", "closed"],
  ]);
  match(String(told[0]!["reason"]), /^too many of its requests failed, the last: Got no answer/);
  deepEqual(bed.events.map(({ breaker }) => breaker), ["closed", "open", "half-open", "closed"]);
});

Deno.test("a node that fails all it gets is tried ever more rarely: 1 s, 2 s … 30 s", async () => {
  await using bed = await Bed.started(at(1));
  let triedCount = 0;
  for (let step = 0; step < 4 * 120; step++) {
    const lease = bed.nodes.lease(bed.node(), key);
    if (lease) triedCount++;
    lease?.reportFailure(new GatewayError("upstream_failed", "500"));
    lease?.[Symbol.dispose]();
    await bed.pass(250);
  }
  ok(triedCount >= 3 + 6 && triedCount <= 3 + 8, `${triedCount} in 120 s`);
});

Deno.test("a trial whose client leaves is no verdict: the next one may try", async () => {
  await using bed = await Bed.started(at(1));
  for (let count = 0; count < 3; count++) bed.use(fails);
  await bed.pass(1_000);
  const before = bed.changeCount;
  bed.use(() => {});
  deepEqual([bed.node().breaker, bed.node().isSound, bed.changeCount > before], ["half-open", true, true]);
  bed.use(fails);
  equal(bed.node().breaker, "open");
  await bed.pass(1_750);
  equal(bed.node().breaker, "open");
  await bed.pass(250);
  equal(bed.node().breaker, "half-open");
});

Deno.test("a trial whose answer has begun lets the next one in, so that one long answer shuts nobody out", async () => {
  await using bed = await Bed.started(at(1));
  for (let count = 0; count < 3; count++) bed.use(fails);
  await bed.pass(1_000);
  using slow = bed.take();
  slow.reportFirstToken(100);
  using quick = bed.take();
  quick.reportServed();
  equal(bed.node().breaker, "closed");
});

for (
  const { name, thrown } of [
    { name: "a client that left", thrown: new DOMException("gone", "AbortError") },
    { name: "a client that left, as we tell it", thrown: new GatewayError("client_closed", "gone") },
    { name: "a wrong request", thrown: new GatewayError("invalid_request", "no") },
    {
      name: "a host of ours without sockets",
      thrown: failedBy(1, { kind: "busy", phase: "connect", sent: false }),
    },
    { name: "a gateway that stops", thrown: new GatewayError("shutting_down", "bye") },
  ]
) {
  Deno.test(`${name} is no fault of the node`, async () => {
    await using bed = await Bed.started(at(1));
    for (let count = 0; count < 20; count++) bed.use((lease) => lease.reportFailure(thrown));
    deepEqual([bed.node().breaker, bed.health[0], bed.nodes.views()[0]!.failedCount], ["closed", "up", 0]);
  });
}

Deno.test("what is sent off and fails has the node asked soon, once for many such requests", async () => {
  await using bed = await Bed.started(at(1));
  const leases = Array.from({ length: 50 }, () => bed.take());
  bed.use(fails);
  equal(bed.checkCount(1), 1); // it was asked just now
  await bed.pass(2_000);
  for (const lease of leases) fails(lease);
  await setImmediate();
  equal(bed.checkCount(1), 2);
});

Deno.test("only the first verdict of a lease counts, and none after its end", async () => {
  await using bed = await Bed.started(at(1));
  bed.use((lease) => {
    lease.reportServed();
    for (let count = 0; count < 5; count++) fails(lease);
  });
  const ended = bed.take();
  ended[Symbol.dispose]();
  for (let count = 0; count < 5; count++) fails(ended);
  ended.reportFirstToken(5);
  ended.reportMissing();
  const { servedCount, failedCount, breaker, firstTokenMs } = bed.nodes.views()[0]!;
  deepEqual([servedCount, failedCount, breaker, firstTokenMs, bed.holders()], [1, 0, "closed", undefined, [
    "n1",
  ]]);
});

Deno.test("a node that was killed and is back gets a trial at once, however long it was shut out before", async () => {
  await using bed = await Bed.started(at(1));
  for (let count = 0; count < 3; count++) bed.use(fails);
  for (const openMs of [1_000, 2_000, 4_000, 8_000]) {
    await bed.pass(openMs);
    bed.use(fails);
  }
  equal(bed.node().breaker, "open"); // for 16 s
  bed.http.set(1, { as: "refused" });
  await bed.pass(6_000);
  equal(bed.health[0], "down");
  bed.http.set(1, {});
  await bed.pass(3_000);
  deepEqual([bed.health[0], bed.node().breaker, bed.node().isSound], ["up", "half-open", true]);
  bed.use((lease) => lease.reportServed());
  equal(bed.node().breaker, "closed");
});

Deno.test("one that is busy is left alone for as long as it asks for, which is no fault", async () => {
  await using bed = await Bed.started(at(1));
  bed.use((lease) => lease.reportBusy(12_000));
  deepEqual([bed.node().isSound, bed.node().breaker, bed.nodes.lease(bed.node(), key)], [
    false,
    "closed",
    undefined,
  ]);
  equal(bed.node().unsoundness, "paused for 12.0 s at its own wish");
  await bed.pass(11_750);
  equal(bed.node().isSound, false);
  const before = bed.changeCount;
  await bed.pass(250);
  deepEqual([bed.node().isSound, bed.changeCount > before], [true, true]);
});

for (
  const { pauseMs, pausedMs } of [
    { pauseMs: NaN, pausedMs: 0 },
    { pauseMs: -5, pausedMs: 0 },
    { pauseMs: Infinity, pausedMs: 300_000 },
    { pauseMs: 1e300, pausedMs: 300_000 },
  ]
) {
  Deno.test(`a wish for a pause of ${pauseMs} ms is one of ${pausedMs} ms`, async () => {
    await using bed = await Bed.started(at(1));
    bed.use((lease) => lease.reportBusy(pauseMs));
    equal(bed.node().isSound, pausedMs === 0);
    await bed.pass(pausedMs);
    equal(bed.node().isSound, true);
  });
}

Deno.test("a short pause does not end a longer one", async () => {
  await using bed = await Bed.started(at(1));
  const [first, second] = [bed.take(), bed.take()];
  first.reportBusy(10_000);
  second.reportBusy(1_000);
  await bed.pass(5_000);
  equal(bed.node().isSound, false);
});

Deno.test("a model that is missing is struck at once, and not believed for 10 s, unless it is another one", async () => {
  await using bed = await Bed.started(at(1));
  bed.use((lease) => lease.reportMissing());
  deepEqual([bed.holders(), bed.node().models.size, bed.checkCount(1)], [[], 0, 2]);
  await setImmediate();
  deepEqual(bed.holders(), []);
  await bed.pass(15_250);
  deepEqual([bed.holders(), bed.nodes.views()[0]!.failedCount], [["n1"], 0]);
  bed.use((lease) => lease.reportMissing());
  bed.http.set(1, { tags: [{ name: "big", digest: DIGEST, size: 1 }] });
  await bed.pass(5_250);
  deepEqual(bed.holders(), ["n1"]);
});

Deno.test("a model that was too large is remembered for 10 min, or until it is another one", async () => {
  await using bed = await Bed.started(at(1));
  bed.use((lease) => lease.reportTooLarge());
  deepEqual([bed.node().hasRefused(key), bed.node().isSound], [true, true]);
  await bed.pass(599_000);
  equal(bed.node().hasRefused(key), true);
  await bed.pass(1_000);
  equal(bed.node().hasRefused(key), false);
  bed.use((lease) => lease.reportTooLarge());
  bed.http.set(1, { tags: [{ name: "big", digest: DIGEST, size: 1 }] });
  await bed.pass(5_250);
  equal(bed.node().hasRefused(key), false);
});

Deno.test("time to the first token and tokens a second are averaged, whole answers are not", async () => {
  await using bed = await Bed.started(at(1));
  bed.use((lease) => {
    lease.reportFirstToken(100);
    lease.reportServed({ count: 50, ms: 1_000 });
  });
  bed.use((lease) => {
    lease.reportFirstToken(200);
    lease.reportServed();
  });
  deepEqual([bed.node().firstTokenMs, bed.node().tokensPerSecondOf(key)], [120, 50]);
  equal(bed.nodes.views()[0]!.models[0]!.tokensPerSecond, 50);
});

Deno.test("the requests of one that went silent are ended once nothing was heard of it for the stall time", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const [lease, other] = [bed.take(0), bed.take(1)];
  bed.http.set(1, { as: "silent" });
  await bed.pass(5_000 + 2_000 + 29_000);
  deepEqual([bed.health, lease.lost.aborted], [["down", "up"], false]);
  await bed.pass(5_000);
  ok(lease.lost.reason instanceof GatewayError);
  deepEqual([lease.lost.reason.code, other.lost.aborted], ["upstream_timeout", false]);
  match(
    lease.lost.reason.message,
    /^No answer came from node n1, and nothing was heard of it for 3\d\.\d s: it did not answer whole within/,
  );
});

Deno.test("a request that gets bytes is not given up, whatever checks find", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.take();
  bed.http.set(1, { as: "silent" });
  for (let seconds = 0; seconds < 120; seconds += 10) {
    await bed.pass(10_000);
    lease.reportBytes();
  }
  deepEqual([bed.health[0], lease.lost.aborted], ["down", false]);
  await bed.pass(35_000);
  equal(lease.lost.aborted, true);
});

Deno.test("an answer from one that was silent brings it up, and has it asked anew", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.take();
  bed.http.set(1, { as: "silent" });
  await bed.pass(12_000);
  equal(bed.health[0], "down");
  bed.http.set(1, {});
  const count = bed.checkCount(1);
  lease.reportServed();
  deepEqual([bed.health[0], bed.node().reason], ["up", "it answers requests"]);
  await bed.pass(2_500);
  ok(bed.checkCount(1) > count);
});

Deno.test("a node that is removed finishes its streams, gets nothing new, and is watched till the last has ended", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const [stream, node] = [bed.take(), bed.node()];
  bed.nodes.apply([at(2)]);
  deepEqual([bed.holders(), bed.nodes.nodes.length, bed.nodes.lease(node, key)], [["n2"], 1, undefined]);
  match(node.unsoundness!, /^it was removed/);
  const count = bed.checkCount(1);
  await bed.pass(10_000);
  deepEqual([bed.checkCount(1), stream.lost.aborted, bed.holders()], [count + 2, false, ["n2"]]);
  bed.http.set(1, { tags: ["new"] });
  await bed.pass(5_000);
  deepEqual([node.models.has(toWanted("new").key), bed.relisted, bed.holders("new")], [
    true,
    ["n1", "n2"],
    [],
  ]);
  stream.reportServed();
  stream[Symbol.dispose]();
  await bed.pass(20_000);
  equal(bed.checkCount(1), count + 3);
});

Deno.test("the last stream of a removed node ends the check that is under way", async () => {
  await using bed = await Bed.started(at(1));
  const stream = bed.take();
  bed.nodes.apply([]);
  bed.http.set(1, { as: "silent" });
  await bed.pass(5_250);
  equal(bed.http.last?.signal?.aborted, false);
  stream[Symbol.dispose]();
  equal(bed.http.last?.signal?.aborted, true);
});

Deno.test("a removed node that goes silent loses its requests like any other", async () => {
  await using bed = await Bed.started(at(1));
  const stream = bed.take();
  bed.nodes.apply([]);
  bed.http.set(1, { as: "silent" });
  await bed.pass(45_000);
  equal(stream.lost.aborted, true);
});

Deno.test("a node that comes back while it finishes its streams is the same node", async () => {
  await using bed = await Bed.started(at(1, { slotCount: 1 }));
  const stream = bed.take();
  bed.nodes.apply([]);
  bed.nodes.apply([at(1, { slotCount: 1 })]);
  deepEqual([bed.health, bed.node().inFlightCount, bed.holders()], [["up"], 1, ["n1"]]);
  equal(bed.nodes.lease(bed.node(), key), undefined);
  bed.http.set(1, { as: "waits" });
  await bed.pass(5_250);
  stream[Symbol.dispose](); // which is no end of the check under way
  bed.http.set(1, { tags: ["big", "new"] });
  bed.http.release();
  await bed.pass(250);
  deepEqual(bed.holders("new"), ["n1"]);
  ok(bed.nodes.lease(bed.node(), key));
});

Deno.test("another list keeps what is known of those that stay, and takes their new settings", async () => {
  await using bed = await Bed.started(at(1), at(2));
  bed.use((lease) => lease.reportFirstToken(7), 1);
  bed.nodes.apply([at(3), at(2, { name: "two", slotCount: 1, weight: 2, tags: ["gpu"], memoryBytes: 5 })]);
  await setImmediate();
  deepEqual([bed.health, bed.checkCount(2), bed.checkCount(3)], [["up", "up"], 1, 1]);
  const { name, slotCount, weight, tags, memoryBytes, firstTokenMs } = bed.node(1);
  deepEqual([name, slotCount, weight, tags, memoryBytes, firstTokenMs], ["two", 1, 2, ["gpu"], 5, 7]);
});

Deno.test("one with another key is asked anew with it, also amid a check with the old one", async () => {
  await using bed = await Bed.started(at(1));
  bed.http.set(1, { as: "waits" });
  await bed.pass(5_250);
  bed.http.set(1, {});
  bed.nodes.apply([at(1, { apiKey: new Secrets(["new"]) })]);
  equal(bed.checkCount(1), 3);
  bed.http.release();
  await setImmediate();
  deepEqual(bed.http.last?.headers?.at(-1), ["authorization", "Bearer new"]);
});

Deno.test("a list with a URL that is none changes nothing", async () => {
  await using bed = await Bed.started(at(1));
  throws(() => bed.nodes.apply([at(2), at(3, { url: "ftp://x" })]), RangeError);
  deepEqual(bed.nodes.nodes.map(({ url }) => url), ["http://x:1"]);
});

Deno.test("no node at all is in order", async () => {
  await using bed = await Bed.started();
  deepEqual([bed.nodes.nodes, bed.nodes.views(), bed.holders()], [[], [], []]);
});

Deno.test("a node's memory is the operator's word, else what was told, also by another address or before", async () => {
  await using bed = new Bed([]);
  bed.nodes.setMemories(new Map([["http://10.0.0.1:1", 7], ["http://x:2", 9]]));
  bed.nodes.apply([at(1, { aliases: ["http://10.0.0.1:1"] }), at(2, { memoryBytes: 3 })]);
  deepEqual(bed.nodes.nodes.map(({ memoryBytes }) => memoryBytes), [7, 3]);
  bed.nodes.setMemories(new Map());
  equal(bed.node().memoryBytes, undefined);
});

Deno.test("who waits for memory is called once when some becomes known, and not when nothing is new", async () => {
  await using bed = new Bed([at(1), at(2), at(3, { memoryBytes: 3 })]);
  const { changeCount } = bed;
  const told = () => bed.nodes.setMemories(new Map([1, 2, 3].map((port) => [`http://x:${port}`, 7])));
  told();
  equal(bed.changeCount, changeCount + 1);
  told();
  equal(bed.changeCount, changeCount + 1);
});

Deno.test("a verdict on a node that was removed and has nothing of ours any more changes nothing", async () => {
  for (
    const report of [
      fails,
      (lease: NodeLease) => lease.reportFailure(refusedBy(1)),
      (lease: NodeLease) => lease.reportMissing(),
      (lease: NodeLease) => lease.reportServed(),
    ]
  ) {
    await using bed = await Bed.started(at(1));
    await bed.pass(2_000);
    using lease = bed.take();
    bed.nodes.apply([]);
    lease.giveSlotBack();
    const before = [bed.checkCount(1), bed.lines.length, bed.events.length, bed.listed.length];
    report(lease);
    await bed.pass(30_000);
    deepEqual([bed.checkCount(1), bed.lines.length, bed.events.length, bed.listed.length], before);
  }
});

Deno.test("a node in few words costs no look at its models, and says how many there are", async () => {
  await using bed = await Bed.started(at(1));
  const { models, resident, ...state } = bed.nodes.views()[0]!;
  const counts = { modelCount: models.length, residentCount: resident.length };
  deepEqual(bed.nodes.summaries(), [{ ...state, ...counts, residentBytes: bed.node().residentBytes }]);
  ok(models.length > 0);
});

Deno.test("models that the operator does not allow are held, and not allowed", async () => {
  await using bed = await Bed.started(at(1, { allowedModels: ["small*"] }));
  deepEqual([bed.holders(), bed.node().allows(key), bed.node().allows(toWanted("small").key)], [
    ["n1"],
    false,
    true,
  ]);
});

Deno.test("a refresh asks those that are named, now, and ends with its caller", async () => {
  await using bed = await Bed.started(at(1), at(2));
  bed.http.set(2, { tags: ["new"] });
  await bed.nodes.refresh({ names: ["n2", "nobody"], signal: new AbortController().signal });
  deepEqual([bed.checkCount(1), bed.checkCount(2), bed.holders("new")], [1, 2, ["n2"]]);
  bed.http.set(1, { as: "silent" });
  const caller = new AbortController();
  const refreshed = bed.nodes.refresh({ signal: caller.signal });
  caller.abort(new Error("enough"));
  await rejects(refreshed, /enough/);
});

Deno.test("whoever does not listen any more is not called", async () => {
  await using bed = await Bed.started(at(1));
  let count = 0;
  const subscription = bed.nodes.onChange(() => count++);
  bed.use(() => {});
  equal(count, 1);
  subscription[Symbol.dispose]();
  bed.use(() => {});
  equal(count, 1);
});

Deno.test("a check that fails for a fault of ours is logged and tried again", async () => {
  await using bed = new Bed([at(1)]);
  const send = bed.http.send.bind(bed.http);
  bed.http.send = () => Promise.reject(new TypeError("a bug"));
  await bed.nodes.start();
  deepEqual([bed.health, bed.lines[0]!["level"], bed.lines[0]!["error"]], [["down"], "error", "a bug"]);
  bed.http.send = send;
  await bed.pass(1_250);
  deepEqual(bed.health, ["up"]);
});

Deno.test("disposal ends a check under way, and nobody is asked from then on", async () => {
  const bed = await Bed.started(at(1), at(2));
  const lease = bed.take();
  bed.http.set(1, { as: "silent" });
  await bed.pass(5_250);
  await bed.nodes[Symbol.asyncDispose]();
  const askedCount = bed.http.asked.length;
  lease.reportMissing();
  lease[Symbol.dispose]();
  await bed.pass(60_000);
  equal(bed.http.asked.length, askedCount);
});
