import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { Secrets } from "../../../lib/config/secrets.ts";
import { ExternalCoordinators } from "../../../lib/coordinator/external_coordinators.ts";
import type { ExternalSettings } from "../../../lib/coordinator/external_settings.ts";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { Gateway } from "../../../lib/gateway.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { OPENAI_REQUESTS } from "../../../lib/openai_requests.ts";
import { silentLogger } from "../../../lib/log.ts";
import { GatewayMetrics } from "../../../lib/metrics/gateway_metrics.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import type { CoordinatorPool } from "../../../lib/pool/pool.ts";
import type { Answer } from "../../../lib/router/answer.ts";
import { ModelCatalog } from "../../../lib/router/catalog.ts";
import type { EarlyAnswer } from "../../../lib/router/patient_stream.ts";
import { DecisionLog } from "../../../lib/router/decision_log.ts";
import { RouteFacts } from "../../../lib/router/route_facts.ts";
import { Upstreams } from "../../../lib/router/upstreams.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { ok as whole, type Peer, ScriptedServer } from "../../fakes/scripted_server.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { OllamaStoreFixture } from "../../fixtures/ollama_store.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { RoutingBed } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { servedModel } from "../../fixtures/served_model.ts";

function settings(url: string, more: Partial<ExternalSettings> = {}): ExternalSettings {
  return { url, apiKey: undefined, model: undefined, usesList: true, lostAfterMs: 30_000, ...more };
}

/** A gateway over coordinators of others; its own, of which it has at most one, is a fake that is ready. */
class Bed implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();
  gateway!: Gateway;
  externals!: ExternalCoordinators;

  static async open(
    list: readonly ExternalSettings[],
    { own, rpcBackendCount = 0, clock = systemClock }: {
      own?: FakeLlamaServer;
      rpcBackendCount?: number;
      clock?: Clock;
    } = {},
  ): Promise<Bed> {
    const bed = new Bed();
    const http = bed.#owned.use(new HttpClient());
    const store = bed.#owned.use(await OllamaStoreFixture.create());
    const externals = bed.#owned.use(new ExternalCoordinators(list, { http, clock, logger: silentLogger }));
    await externals.start();
    const pool = poolOf(own);
    const { config: usual } = mergeConfig({});
    const said = {
      model: undefined,
      modelShardingEnabled: true,
      hasResumedStreams: false,
      timeouts: { ...usual.timeouts, firstByteMs: 60_000, stallMs: 60_000 },
      waiting: { commentEveryMs: 10_000, hasNotes: false },
    };
    const config = { ...usual, ...said };
    const { nodes, needs, room, slots } = bed.#owned.use(await RoutingBed.open(config));
    const catalog = new ModelCatalog({
      store: new ModelStore({ roots: [store.directory] }),
      external: externals,
      nodes,
      config,
    });
    const facts = new RouteFacts({
      config,
      nodes,
      needs,
      backends: {
        views: () =>
          Array.from(
            { length: rpcBackendCount },
            (_, at) => backendView(`127.0.0.2:${at + 1}`),
          ),
      },
      pool,
      externals,
      catalog,
      clock: systemClock,
    });
    const upstreams = new Upstreams({
      config,
      facts,
      catalog,
      slots,
      pool,
      externals,
      toWanted: () => ({
        key: "fake",
        model: "fake",
        prepare: () => Promise.reject(new Error("not needed")),
      }),
    });
    const backends = { listBackends: () => [] };
    const decisions = new DecisionLog();
    const knowledge = { config, upstreams, catalog, pool, externals, nodes, room, decisions, backends };
    const parts = { ...knowledge, http, clock: systemClock };
    bed.gateway = new Gateway({ ...parts, logger: silentLogger, metrics: new GatewayMetrics() });
    bed.externals = externals;
    return bed;
  }

  async chat(
    { model = "fake", stream = false, signal = new AbortController().signal } = {},
  ): Promise<Answer> {
    const body = new TextEncoder().encode(
      JSON.stringify({ model, stream, messages: [{ role: "user", content: "hi" }] }),
    );
    const request = { ...OPENAI_REQUESTS["/v1/chat/completions"](body), id: "r", signal };
    const answer = await this.gateway.infer(request);
    if (!isWhole(answer)) throw new Error("the client was told to wait");
    return answer;
  }

  get inFlightCounts(): number[] {
    return this.externals.views().map(({ inFlightCount }) => inFlightCount);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

function isWhole(answer: Answer | EarlyAnswer): answer is Answer {
  return "upstream" in answer.report;
}

function poolOf(own: FakeLlamaServer | undefined): CoordinatorPool<ServingCoordinator> {
  const never = new AbortController().signal;
  const coordinator = own && {
    upstream: "our own",
    address: own.address,
    headers: [],
    because: "ours",
    served: servedModel(),
    dead: never,
    gone: never,
  };
  const lease = { coordinator, queueMs: 0, loadMs: 0, reportServed: () => {}, [Symbol.dispose]: () => {} };
  const pool = {
    ready: () => coordinator,
    acquire: () => Promise.resolve(lease),
    views: () => [],
    view: () => coordinator && { state: "ready" },
  };
  return pool as unknown as CoordinatorPool<ServingCoordinator>;
}

Deno.test("requests alternate between two that serve the model, and none is left in flight", async () => {
  await using one = new FakeLlamaServer(["fake"]);
  await using two = new FakeLlamaServer(["fake"]);
  await using bed = await Bed.open([settings(one.url), settings(two.url)]);
  const upstreams: string[] = [];
  for (let index = 0; index < 6; index++) upstreams.push((await bed.chat()).report.upstream);
  deepEqual(upstreams, [one.url, two.url, one.url, two.url, one.url, two.url]);
  deepEqual(bed.inFlightCounts, [0, 0]);
  match((await bed.chat()).report.because, /served by 2 coordinators that others run.*is the least busy/);
});

Deno.test("a busy one is passed over", async () => {
  await using one = new FakeLlamaServer(["fake"], { kind: "hang" });
  await using two = new FakeLlamaServer(["fake"]);
  await using bed = await Bed.open([settings(one.url), settings(two.url)]);
  const client = new AbortController();
  const hung = bed.chat({ signal: client.signal });
  await until(() => one.seen.length === 1, "the first has the request");
  for (let index = 0; index < 3; index++) equal((await bed.chat()).report.upstream, two.url);
  client.abort(new Error("left"));
  await rejects(hung, /left/);
  deepEqual(bed.inFlightCounts, [0, 0]);
});

Deno.test("the API key goes to the one that asks for it, and to nobody else", async () => {
  await using one = new FakeLlamaServer(["fake"]);
  await using two = new FakeLlamaServer(["fake"]);
  const apiKey = new Secrets(["top-secret"]);
  await using bed = await Bed.open([settings(one.url, { apiKey }), settings(two.url)]);
  const answers = [await bed.chat(), await bed.chat()];
  match(one.seen[0]!.headers, /^authorization: Bearer top-secret$/im);
  ok(!/authorization/i.test(two.seen[0]!.headers), two.seen[0]!.headers);
  ok(!JSON.stringify([answers, bed.gateway.health]).includes("top-secret"));
});

Deno.test("those that died are passed over, each asked once, and our own comes last", async () => {
  await using own = new FakeLlamaServer(["fake"]);
  const others = [
    new FakeLlamaServer(["fake"]),
    new FakeLlamaServer(["fake"]),
    new FakeLlamaServer(["fake"]),
  ];
  const list = others.map(({ url }) => settings(url));
  await using bed = await Bed.open(list, { own, rpcBackendCount: 1 });
  for (const server of others) await server[Symbol.asyncDispose]();
  const { status, report } = await bed.chat();
  deepEqual([status, report.upstream, report.attemptCount, own.seen.length], [200, "our own", 4, 1]);
  match(report.because, /^ours.*is down: Cannot connect to .*check that it runs and listens there/);
  equal((await bed.chat()).report.attemptCount, 1);
});

Deno.test("a request that reached one is not sent to another, whatever became of it", async () => {
  await using one = new FakeLlamaServer(["fake"], { kind: "close" });
  await using two = new FakeLlamaServer(["fake"]);
  await using bed = await Bed.open([settings(one.url), settings(two.url)]);
  await rejects(bed.chat(), /broke off/);
  deepEqual([one.seen.length, two.seen.length], [1, 0]);
});

Deno.test("where all are down the refusal says of each why, though our store knows no such model", async () => {
  const urls = [`http://127.0.0.1:${freePort()}`, `http://127.0.0.1:${freePort()}`];
  await using bed = await Bed.open(urls.map((url) => settings(url)));
  await rejects(bed.chat(), (error: GatewayError) => {
    equal(error.code, "backend_unreachable", error.message);
    for (const url of urls) {
      match(error.message, new RegExp(`the coordinator at ${url} is down: Cannot connect`));
    }
    return true;
  });
});

Deno.test("a model that none of them serves is refused, and none of them hears of it", async () => {
  await using one = new FakeLlamaServer(["fake"]);
  await using bed = await Bed.open([settings(one.url)]);
  await rejects(bed.chat({ model: "other" }), (error: GatewayError) => {
    equal(error.code, "model_not_found");
    match(error.message, /coordinators of others serve "fake"$/);
    return true;
  });
  equal(one.seen.length, 0);
});

Deno.test("one with a model of its own gets requests for that name, and for no other", async () => {
  await using one = new FakeLlamaServer(["/srv/models/some.gguf"]);
  await using bed = await Bed.open([settings(one.url, { model: "big", usesList: false })]);
  equal((await bed.chat({ model: "big:latest" })).report.upstream, one.url);
  await rejects(bed.chat({ model: "/srv/models/some.gguf" }), GatewayError);
  deepEqual((await bed.gateway.listModels()).map(({ name }) => name), ["big"]);
});

Deno.test("a list that changes while a stream is in flight leaves it alone", async () => {
  await using one = new FakeLlamaServer(["fake"], { kind: "ok", tokens: 30, intervalMs: 10 });
  await using two = new FakeLlamaServer(["fake"]);
  await using bed = await Bed.open([settings(one.url)]);
  const { body, report } = await bed.chat({ stream: true });
  equal(report.upstream, one.url);
  await bed.externals.apply([settings(two.url)]);
  equal((await bed.chat()).report.upstream, two.url);
  ok(!(body instanceof Uint8Array));
  let text = "";
  for (let piece = await body.read(); piece !== null; piece = await body.read()) {
    text += new TextDecoder().decode(piece);
  }
  match(text, /\[DONE\]/);
});

/** A llama-server that takes one chat, and answers nothing else from then on. */
class FreezingServer implements AsyncDisposable {
  /** The connection of the chat. */
  chat: Peer | undefined;
  readonly #server = ScriptedServer.start(async (peer) => {
    for (;;) {
      const { head } = await peer.receive();
      if (this.chat) return void await peer.untilGone();
      if (head.startsWith("POST ")) return await this.#hold(peer);
      await peer.send(whole(`{"data":[{"id":"fake"}]}`));
    }
  });

  get url(): string {
    const { address } = this.#server;
    return address.transport === "tcp" ? `http://127.0.0.1:${address.port}` : "";
  }

  /** Sends some of a stream. */
  async send(text: string): Promise<void> {
    await this.chat!.send(`${text.length.toString(16)}\r\n${text}\r\n`);
  }

  /** Resolves when the gateway does not wait for the chat any more. */
  readonly isLeft = Promise.withResolvers<void>();

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #hold(peer: Peer): Promise<void> {
    this.chat = peer;
    await peer.untilGone();
    this.isLeft.resolve();
  }
}

const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const TOKEN = `data: {"choices":[{"index":0,"finish_reason":null,"delta":{"content":" word"}}]}\n\n`;

/** Lets the checks' time run until it is so. */
async function running(clock: FakeClock, isTrue: () => boolean, what: string): Promise<void> {
  await until(() => (clock.advance(500), isTrue()), what, { withinMs: 20_000 });
}

Deno.test("a request at one that freezes ends, is asked nowhere else, and leaves no connection", async () => {
  await using one = new FreezingServer();
  await using two = new FakeLlamaServer(["fake"]);
  const clock = new FakeClock();
  await using bed = await Bed.open([settings(one.url), settings(two.url)], { clock });
  let failure: unknown;
  const asked = bed.chat().catch((error) => failure = error);
  await until(() => one.chat !== undefined, "it has the request");
  await running(clock, () => failure !== undefined, "the request ends");
  await asked;
  ok(failure instanceof GatewayError);
  deepEqual([failure.code, failure.status, two.seen.length], ["upstream_timeout", 504, 0]);
  match(failure.message, /^No answer came from http.*nothing was heard of it for \d.*did not answer GET/);
  await one.isLeft.promise;
  deepEqual(bed.inFlightCounts, [0, 0]);
});

Deno.test("a stream at one that freezes goes on while bytes come, and then ends with what the client has", async () => {
  await using one = new FreezingServer();
  const clock = new FakeClock();
  await using bed = await Bed.open([settings(one.url)], { clock });
  const opened = bed.chat({ stream: true });
  await until(() => one.chat !== undefined, "it has the request");
  await one.chat!.send(STREAM_HEAD);
  await one.send(TOKEN);
  const { body } = await opened;
  ok(!(body instanceof Uint8Array));
  await body.read();
  const isDown = () => bed.externals.facts[0]!.health === "down";
  await running(clock, isDown, "checks are in vain");
  for (let count = 2; count <= 6; count++) {
    clock.advance(20_000);
    await one.send(TOKEN);
    ok(await body.read());
  }
  let failure: unknown;
  const rest = body.read().catch((error) => failure = error);
  await running(clock, () => failure !== undefined, "the stream ends");
  await rest;
  ok(failure instanceof BrokenAnswer);
  deepEqual([failure.code, failure.deliveredTokenCount], ["upstream_timeout", 6]);
  await one.isLeft.promise;
  deepEqual(bed.inFlightCounts, [0]);
});
