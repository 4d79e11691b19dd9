import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Secrets } from "../../../lib/config/secrets.ts";
import { ExternalCoordinators } from "../../../lib/coordinator/external_coordinators.ts";
import type { ExternalSettings } from "../../../lib/coordinator/external_settings.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { brokenOffBy, FakeExternalHttp, refusedBy } from "../../fakes/fake_external_http.ts";

const { key } = toWanted("big");

function at(port: number, settings: Partial<ExternalSettings> = {}): ExternalSettings {
  const url = `http://x:${port}`;
  return { url, apiKey: undefined, model: undefined, usesList: true, lostAfterMs: 30_000, ...settings };
}

/** Coordinators of others without a socket, and a clock that moves when told to. */
class Bed implements AsyncDisposable {
  readonly http = new FakeExternalHttp();
  readonly clock = new FakeClock();
  readonly lines: Record<string, unknown>[] = [];
  readonly all: ExternalCoordinators;

  constructor(list: readonly ExternalSettings[]) {
    const logger = createLogger({ sink: (line) => this.lines.push(JSON.parse(line)) });
    this.all = new ExternalCoordinators(list, {
      http: this.http,
      clock: this.clock,
      logger,
      random: () => 0.5,
    });
  }

  static async started(...list: ExternalSettings[]): Promise<Bed> {
    const bed = new Bed(list);
    await bed.all.start();
    return bed;
  }

  /** Lets so much time pass in small steps, and all that it sets going. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      this.clock.advance(250);
      await setImmediate();
    }
  }

  get health(): string[] {
    return this.all.facts.map(({ health }) => health);
  }

  /** How often this one was asked for its models. */
  checkCount(port: number): number {
    return this.http.asked.filter((asked) => asked === `${port} /v1/models`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.http.release();
    await this.all[Symbol.asyncDispose]();
  }
}

Deno.test("nobody is asked before the start; from then on one that is up is asked about every 10 s", async () => {
  await using bed = new Bed([at(1)]);
  await bed.pass(30_000);
  deepEqual([bed.health, bed.http.asked], [["unknown"], []]);
  await bed.all.start();
  deepEqual([bed.health, bed.checkCount(1)], [["up"], 1]);
  await bed.pass(60_000);
  equal(bed.checkCount(1), 7);
});

Deno.test("one that is down is asked again ever more rarely, and at once used when it is back", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { models: "refused" });
  await bed.all.start();
  equal(bed.health[0], "down");
  await bed.pass(1_000 + 2_000 + 4_000 + 8_000 + 16_000 + 32_000);
  equal(bed.checkCount(1), 7);
  bed.http.set(1, {});
  await bed.pass(60_000);
  equal(bed.health[0], "up");
  deepEqual(bed.lines.map(({ message, from, to }) => [message, from, to]), [
    ["external coordinator health", "unknown", "down"],
    ["external coordinator health", "down", "up"],
  ]);
});

Deno.test("one that loads is not chosen and not given up: it is used a second after it is ready", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { models: { status: 503, text: `{"error":{"message":"Loading model"}}` } });
  await bed.all.start();
  await bed.pass(120_000);
  deepEqual([bed.health, bed.all.acquire(key)], [["loading"], undefined]);
  bed.http.set(1, {});
  await bed.pass(1_250);
  equal(bed.health[0], "up");
});

Deno.test("one silence is forgiven to one that was up, a second one is not", async () => {
  await using bed = await Bed.started(at(1));
  bed.http.set(1, { models: "silent" });
  await bed.pass(12_000 + 500);
  deepEqual([bed.health, bed.checkCount(1)], [["up"], 2]);
  await bed.pass(1_000 + 2_000 + 500);
  deepEqual(bed.health, ["down"]);
  match(bed.all.facts[0]!.reason, /did not answer/);
});

Deno.test("the start waits for all, but not for long, and a silent one holds up no other", async () => {
  await using bed = new Bed([at(1), at(2)]);
  bed.http.set(1, { models: "waits" });
  let isStarted = false;
  const started = bed.all.start().then(() => isStarted = true);
  await bed.pass(2_250);
  deepEqual([isStarted, bed.health], [false, ["unknown", "up"]]);
  await bed.pass(250);
  equal(isStarted, true);
  await started;
});

Deno.test("twenty silent ones keep nobody from being checked", async () => {
  const silent = Array.from({ length: 20 }, (_, index) => at(index + 2));
  await using bed = new Bed([...silent, at(1)]);
  for (const { url } of silent) bed.http.set(Number(url.split(":").at(-1)), { models: "silent" });
  const started = bed.all.start();
  await bed.pass(2_500);
  await started;
  await bed.pass(2_500);
  equal(bed.health.at(-1), "up");
  ok(bed.checkCount(1) >= 1);
});

Deno.test("a thousand requests are dealt evenly to two that are equal", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const leases = Array.from({ length: 1_000 }, () => bed.all.acquire(key)!);
  deepEqual(bed.all.views().map(({ inFlightCount }) => inFlightCount), [500, 500]);
  for (const lease of leases) lease[Symbol.dispose]();
  for (const lease of leases) lease[Symbol.dispose](); // a second time changes nothing
  const counts = new Map<string, number>();
  for (let index = 0; index < 1_000; index++) {
    using lease = bed.all.acquire(key)!;
    counts.set(lease.external.url, (counts.get(lease.external.url) ?? 0) + 1);
  }
  deepEqual([...counts.values()], [500, 500]);
  deepEqual(bed.all.views().map(({ inFlightCount }) => inFlightCount), [0, 0]);
});

Deno.test("one with more slots is given more, and the choice is explained", async () => {
  await using bed = new Bed([at(1), at(2)]);
  bed.http.set(1, { slotCount: 1 });
  bed.http.set(2, { slotCount: 3 });
  await bed.all.start();
  const leases = Array.from({ length: 8 }, () => bed.all.acquire(key)!);
  deepEqual(bed.all.views().map(({ inFlightCount }) => inFlightCount), [2, 6]);
  equal(leases[1]!.because, "http://x:2 is the least busy, 0 of 3 slots in use by us");
});

Deno.test("the only one that serves a model needs no explanation", async () => {
  await using bed = new Bed([at(1), at(2)]);
  bed.http.set(2, { models: ["small"] });
  await bed.all.start();
  using lease = bed.all.acquire(toWanted("small").key)!;
  deepEqual([lease.external.url, lease.because], ["http://x:2", undefined]);
});

for (
  const { name, port, settings, model, isServed } of [
    { name: "its list, whatever the spelling", settings: {}, model: "BIG:latest", isServed: true },
    { name: "its list alone", settings: {}, model: "other", isServed: false },
    {
      name: "its one model, whatever it lists",
      settings: { model: "mine", usesList: false },
      model: "mine",
      isServed: true,
    },
    {
      name: "its one model, and not for what it lists",
      settings: { model: "mine", usesList: false },
      model: "big",
      isServed: false,
    },
    {
      name: "its list and a name of the operator's",
      settings: { model: "mine" },
      model: "big",
      isServed: true,
    },
    {
      name: "a name of the operator's and its list",
      settings: { model: "mine" },
      model: "mine",
      isServed: true,
    },
  ].map((row) => ({ port: 1, ...row }))
) {
  Deno.test(`one is used for ${name}: ${isServed ? "serves" : "does not serve"} "${model}"`, async () => {
    await using bed = await Bed.started(at(port, settings));
    using lease = bed.all.acquire(toWanted(model).key);
    equal(lease !== undefined, isServed);
  });
}

Deno.test("a request that was not sent takes its coordinator down at once, and the next one is taken", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const excluded = new Set<string>();
  const asked: string[] = [];
  for (let lease = bed.all.acquire(key); lease; lease = bed.all.acquire(key, excluded)) {
    asked.push(lease.external.url);
    lease.reportFailure(refusedBy(asked.length));
    lease[Symbol.dispose]();
    excluded.add(lease.external.url);
  }
  deepEqual([asked, bed.health], [["http://x:1", "http://x:2"], ["down", "down"]]);
  match(bed.all.facts[0]!.reason, /Cannot connect to http:\/\/x:1: Connection refused; check that it runs/);
});

Deno.test("one that was in vain is not taken again for that request, though it is up again", async () => {
  await using bed = await Bed.started(at(1));
  bed.all.acquire(key)!.reportFailure(refusedBy(1));
  await bed.pass(1_250);
  equal(bed.health[0], "up");
  equal(bed.all.acquire(key, new Set(["http://x:1"])), undefined);
  ok(bed.all.acquire(key));
});

Deno.test("what a request meets is newer than what a check under way will find", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.all.acquire(key)!;
  bed.http.set(1, { models: "waits" });
  await bed.pass(10_250);
  equal(bed.checkCount(1), 2);
  lease.reportFailure(refusedBy(1));
  bed.http.release();
  await bed.pass(250);
  deepEqual(bed.health, ["down"]);
});

Deno.test("an answer shows that it is up, whatever a check found, and has it asked anew for its models", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.all.acquire(key)!;
  bed.http.set(1, { models: "refused" });
  await bed.pass(10_250);
  equal(bed.health[0], "down");
  bed.http.set(1, { models: ["big", "new"] });
  lease.reportAnswer(200);
  equal(bed.health[0], "up");
  await bed.pass(250);
  deepEqual(bed.all.modelNames, ["big", "new"]);
});

Deno.test("an answer of 401 takes it down until it takes the key, and no sentence tells the key", async () => {
  await using bed = await Bed.started(at(1, { apiKey: new Secrets(["top-secret"]) }));
  const lease = bed.all.acquire(key)!;
  deepEqual(lease.external.headers, [["authorization", "Bearer top-secret"]]);
  lease.reportAnswer(401);
  match(bed.all.facts[0]!.reason, /refuses the configured key; correct its api_key/);
  await bed.pass(1_250);
  equal(bed.health[0], "up");
  const shown = [bed.lines, bed.all.views(), bed.all.facts, lease].map((value) => JSON.stringify(value)).join(
    "",
  );
  ok(!shown.replaceAll(JSON.stringify(lease.external.headers), "").includes("top-secret"), shown);
  ok(!Deno.inspect(bed.all, { depth: 9 }).includes("top-secret"));
});

for (
  const { name, report } of [
    { name: "broke off", report: (lease: Lease) => lease.reportFailure(brokenOffBy(1)) },
    { name: "answered 503", report: (lease: Lease) => lease.reportAnswer(503) },
  ]
) {
  Deno.test(`one that ${name} is not condemned but asked soon, once for many such requests`, async () => {
    await using bed = await Bed.started(at(1));
    const leases = Array.from({ length: 100 }, () => bed.all.acquire(key)!);
    await bed.pass(2_000);
    bed.http.set(1, { models: "refused" });
    for (const lease of leases) report(lease);
    deepEqual([bed.health, bed.checkCount(1)], [["up"], 2]);
    await setImmediate();
    deepEqual([bed.health, bed.checkCount(1)], [["down"], 2]);
  });
}

type Lease = NonNullable<ReturnType<ExternalCoordinators["acquire"]>>;

Deno.test("what is no failure of the upstream says nothing about it", async () => {
  await using bed = await Bed.started(at(1));
  bed.all.acquire(key)!.reportFailure(new DOMException("the client left", "AbortError"));
  bed.all.acquire(key)!.reportAnswer(400);
  await bed.pass(2_000);
  deepEqual([bed.health, bed.checkCount(1)], [["up"], 1]);
});

Deno.test("one that flaps is taken whenever it is up, and each change is told once", async () => {
  await using bed = await Bed.started(at(1));
  for (let round = 0; round < 5; round++) {
    bed.all.acquire(key)!.reportFailure(refusedBy(1));
    equal(bed.all.acquire(key), undefined);
    await bed.pass(1_250);
    ok(bed.all.acquire(key));
  }
  deepEqual(bed.lines.map(({ to }) => to), ["up", ...Array.from({ length: 5 }, () => ["down", "up"]).flat()]);
});

Deno.test("another list keeps what is known and in flight of those that stay", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const [first, second] = [bed.all.acquire(key)!, bed.all.acquire(key)!];
  bed.http.set(3, { models: ["small"] });
  await bed.all.apply([at(3), at(2)]);
  const views = bed.all.views().map(({ url, health, inFlightCount }) => [url, health, inFlightCount]);
  deepEqual(views, [["http://x:3", "up", 0], ["http://x:2", "up", 1]]);
  deepEqual([bed.checkCount(2), bed.checkCount(3)], [1, 1]);
  first.reportAnswer(401); // of one that is gone: nobody minds
  first.reportFailure(refusedBy(1));
  for (const lease of [first, second]) lease[Symbol.dispose]();
  deepEqual(bed.all.views().map(({ inFlightCount }) => inFlightCount), [0, 0]);
  await bed.pass(30_000);
  equal(bed.checkCount(1), 1);
  await bed.all.apply([]);
  deepEqual([bed.all.size, bed.all.facts, bed.all.modelNames, bed.all.acquire(key)], [0, [], [], undefined]);
});

Deno.test("one whose settings have changed is asked anew with them, also amid a check with the old ones", async () => {
  await using bed = await Bed.started(at(1));
  using _lease = bed.all.acquire(key)!;
  bed.http.set(1, { models: "waits" });
  await bed.pass(10_250);
  bed.http.set(1, { models: ["big"] });
  const applied = bed.all.apply([at(1, { apiKey: new Secrets(["new"]), model: "mine", usesList: false })]);
  bed.http.release();
  await applied;
  deepEqual(bed.all.views().map(({ health, models, inFlightCount }) => [health, models, inFlightCount]), [
    ["up", ["mine"], 1],
  ]);
  equal(bed.http.lastHeaders["authorization"], "Bearer new");
  match(bed.all.facts[0]!.reason, /used for mine; it lists big/);
});

Deno.test("a list with a URL that is none changes nothing", async () => {
  await using bed = await Bed.started(at(1));
  try {
    await bed.all.apply([at(2), { ...at(3), url: "ftp://x" }]);
    ok(false, "it was taken");
  } catch (error) {
    ok(error instanceof RangeError);
  }
  deepEqual(bed.all.facts.map(({ url }) => url), ["http://x:1"]);
});

Deno.test("a check that fails for a fault of ours is logged and tried again", async () => {
  await using bed = new Bed([at(1)]);
  const send = bed.http.send.bind(bed.http);
  bed.http.send = () => {
    throw new TypeError("a bug");
  };
  await bed.all.start();
  deepEqual(bed.health, ["down"]);
  deepEqual([bed.lines[0]!["level"], bed.lines[0]!["error"]], ["error", "a bug"]);
  bed.http.send = send;
  await bed.pass(1_250);
  deepEqual(bed.health, ["up"]);
});

Deno.test("disposal ends a check under way, and nobody is asked from then on", async () => {
  const bed = await Bed.started(at(1), at(2));
  bed.http.set(1, { models: "silent" });
  await bed.pass(10_250);
  await bed.all[Symbol.asyncDispose]();
  const askedCount = bed.http.asked.length;
  bed.all.acquire(key)?.reportFailure(brokenOffBy(1));
  await bed.pass(120_000);
  equal(bed.http.asked.length, askedCount);
});

/** How long after it went down a lease was lost, in whole seconds; `undefined` if it was not within so many. */
async function lostAfter(bed: Bed, lease: Lease, limitSeconds: number): Promise<number | undefined> {
  for (let seconds = 0; seconds <= limitSeconds; seconds++) {
    if (lease.lost.aborted) return seconds;
    await bed.pass(1_000);
  }
  return undefined;
}

async function silenced(bed: Bed): Promise<void> {
  bed.http.set(1, { models: "silent" });
  while (bed.health[0] !== "down") await bed.pass(250);
}

Deno.test("requests of one that went silent are given up once it was down for the stall time, with a sentence", async () => {
  await using bed = await Bed.started(at(1), at(2));
  const [lease, other] = [bed.all.acquire(key)!, bed.all.acquire(key)!];
  await silenced(bed);
  const seconds = await lostAfter(bed, lease, 60);
  ok(seconds !== undefined && seconds >= 30 && seconds <= 33, `${seconds} s`);
  ok(lease.lost.reason instanceof GatewayError);
  deepEqual([lease.lost.reason.code, other.lost.aborted], ["upstream_timeout", false]);
  match(
    lease.lost.reason.message,
    /^No answer came from http:\/\/x:1, and nothing was heard of it for 3\d(\.\d)? s: it did not answer GET .* within 2\.0 s; check whether it hangs/,
  );
});

Deno.test("a request that has ended is not told of anything any more", async () => {
  await using bed = await Bed.started(at(1));
  const [ended, held] = [bed.all.acquire(key)!, bed.all.acquire(key)!];
  await silenced(bed);
  ended[Symbol.dispose]();
  ok(await lostAfter(bed, held, 60));
  equal(ended.lost.aborted, false);
});

for (
  const { name, during } of [
    {
      name: "that is silent again and again, but never for long",
      during: async (bed: Bed) => {
        bed.http.set(1, {});
        while (bed.health[0] !== "up") await bed.pass(250);
        await silenced(bed);
      },
    },
    { name: "that answers others", during: (_: Bed, lease: Lease) => lease.reportAnswer(200) },
    { name: "whose stream goes on", during: (_: Bed, lease: Lease) => lease.reportBytes() },
    { name: "that answers others with 500", during: (_: Bed, lease: Lease) => lease.reportAnswer(500) },
  ]
) {
  Deno.test(`requests of one ${name} are waited for`, async () => {
    await using bed = await Bed.started(at(1));
    const lease = bed.all.acquire(key)!;
    await silenced(bed);
    for (let round = 0; round < 6; round++) {
      await bed.pass(20_000);
      await during(bed, lease);
    }
    equal(lease.lost.aborted, false);
  });
}

for (
  const { name, models, isLost } of [
    { name: "refuses connections", models: "refused", isLost: true },
    { name: "answers 404", models: { status: 404, text: "" }, isLost: false },
    { name: "loads", models: { status: 503, text: `{"error":{"message":"Loading model"}}` }, isLost: false },
  ] as const
) {
  Deno.test(`requests of one that ${name} are ${isLost ? "given up" : "waited for"}`, async () => {
    await using bed = await Bed.started(at(1));
    const lease = bed.all.acquire(key)!;
    bed.http.set(1, { models });
    await bed.pass(120_000);
    equal(lease.lost.aborted, isLost);
  });
}

Deno.test("requests of one that went silent are given up though another process loads there meanwhile", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.all.acquire(key)!;
  await silenced(bed);
  await bed.pass(10_000);
  bed.http.set(1, { models: { status: 503, text: `{"error":{"message":"Loading model"}}` } });
  await bed.pass(15_000);
  deepEqual([bed.health, lease.lost.aborted], [["loading"], false]);
  await bed.pass(8_000);
  equal(lease.lost.aborted, true);
});

Deno.test("one that has more of our requests than slots may be silent for as many rounds as they need", async () => {
  await using bed = new Bed([at(1)]);
  bed.http.set(1, { slotCount: 2 });
  await bed.all.start();
  const leases = Array.from({ length: 6 }, () => bed.all.acquire(key)!);
  await silenced(bed);
  const seconds = await lostAfter(bed, leases[0]!, 120);
  ok(seconds !== undefined && seconds >= 90 && seconds <= 93, `${seconds} s`);
  ok(leases.every(({ lost }) => lost.aborted));
});

Deno.test("another stall time counts at once, and has nobody asked anew", async () => {
  await using bed = await Bed.started(at(1));
  const lease = bed.all.acquire(key)!;
  await bed.all.apply([at(1, { lostAfterMs: 5_000 })]);
  equal(bed.checkCount(1), 1);
  await silenced(bed);
  const seconds = await lostAfter(bed, lease, 30);
  ok(seconds !== undefined && seconds >= 5 && seconds <= 8, `${seconds} s`);
});

Deno.test("one that is taken off the list is watched until it has ended what it does for us", async () => {
  await using bed = await Bed.started(at(1));
  const [lost, ended] = [bed.all.acquire(key)!, bed.all.acquire(key)!];
  await bed.all.apply([]);
  bed.http.set(1, { models: "silent" });
  await bed.pass(60_000);
  equal(lost.lost.aborted, true);
  for (const lease of [lost, ended]) lease[Symbol.dispose]();
  const count = bed.checkCount(1);
  await bed.pass(120_000);
  equal(bed.checkCount(1), count);
});

Deno.test("one that was silent for a while is found again in a fifth of that time", async () => {
  for (const awaySeconds of [5, 20, 60]) {
    await using bed = await Bed.started(at(1));
    await silenced(bed);
    await bed.pass(awaySeconds * 1_000);
    bed.http.set(1, {});
    await bed.pass(Math.max(2_000, awaySeconds * 1_000 / 5) + 2_500);
    equal(bed.health[0], "up", `after ${awaySeconds} s`);
  }
});

Deno.test("one that stays silent costs ever less", async () => {
  await using bed = await Bed.started(at(1));
  await silenced(bed);
  const before = bed.checkCount(1);
  await bed.pass(3_600_000);
  ok(bed.checkCount(1) - before < 100, `${bed.checkCount(1) - before} checks in an hour`);
});
