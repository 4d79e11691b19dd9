import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { FakeWorkerGateway, refusal, taken } from "../../fakes/fake_worker_gateway.ts";
import { until, WorkerBed } from "./worker_bed.ts";

Deno.test("a worker joins, leaves its backend alone until it is free, and takes its leave", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway();
  await using worker = await bed.start(gateway.url, { token: "s3cret" });
  await until(() => gateway.requests.length > 0, "it joins");
  const endpoint = `127.0.0.1:${worker.launch.port}`;
  const { name, authorization, report } = gateway.requests[0]!;
  deepEqual([name, authorization, report!.is_draining], ["shelf-2", "Bearer s3cret", false]);
  deepEqual(
    report!.backends.map(({ endpoint, is_running, held_by }) => ({ endpoint, is_running, held_by })),
    [
      { endpoint, is_running: true, held_by: [] },
    ],
  );

  gateway.answer = () => taken([endpoint]);
  worker.stop.abort();
  await until(
    () => gateway.reports.filter((told) => told.is_draining).length >= 2,
    "it drains and asks again",
  );
  (await Deno.connect({ port: worker.launch.port })).close();
  gateway.answer = () => taken();
  await worker.ended;
  equal(gateway.requests.at(-1)!.method, "DELETE");
  equal(gateway.requests.filter(({ method }) => method === "DELETE").length, 1);
  deepEqual(bed.logged("waits for coordinators").map((line) => line["inUse"]), [`${endpoint} by llama3:70b`]);
  await rejects(Deno.connect({ port: worker.launch.port }), Deno.errors.ConnectionRefused);
});

Deno.test("a worker that is hurried does not wait for coordinators", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway(() => taken(["127.0.0.1:1"]));
  await using worker = await bed.start(gateway.url);
  worker.stop.abort();
  await until(() => bed.logged("waits for coordinators").length === 1, "it knows that it is in use");
  worker.hurry.abort();
  await worker.ended;
  equal(gateway.requests.at(-1)!.method, "DELETE");
  equal(bed.logged("ends while in use").length, 1);
});

for (
  const { name, trouble } of [
    { name: "answers 503 once", trouble: () => refusal(503, "busy") },
    { name: "refuses a report", trouble: () => refusal(401, "wrong token") },
  ]
) {
  Deno.test(`a worker in use drains on when its gateway ${name}`, async () => {
    await using bed = await WorkerBed.create();
    await using gateway = new FakeWorkerGateway(() => taken(["127.0.0.1:1"]));
    await using worker = await bed.start(gateway.url);
    await until(() => gateway.requests.length > 0, "it joins");
    await until(() => bed.logged("joined the gateway").length === 1, "it knows that it is in use");
    gateway.answer = trouble;
    worker.stop.abort();
    const drains = () => gateway.reports.filter((told) => told.is_draining).length;
    await until(() => drains() >= 2, "it asks again");
    (await Deno.connect({ port: worker.launch.port })).close();
    gateway.answer = () => taken();
    await worker.ended;
    equal(gateway.requests.at(-1)!.method, "DELETE");
  });
}

Deno.test("a worker in use ends when its gateway is silent for longer than it would wait itself", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway(() => taken(["127.0.0.1:1"], 1_500));
  await using worker = await bed.start(gateway.url);
  await until(() => bed.logged("joined the gateway").length === 1, "it knows that it is in use");
  await gateway[Symbol.asyncDispose]();
  const startMs = performance.now();
  worker.stop.abort();
  await worker.ended;
  const tookMs = performance.now() - startMs;
  ok(tookMs > 700 && tookMs < 10_000, `it took ${tookMs} ms`);
});

Deno.test("a worker without its gateway ends after one attempt", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway();
  await using worker = await bed.start(gateway.url);
  await until(() => gateway.requests.length > 0, "it joins");
  await gateway[Symbol.asyncDispose]();
  worker.stop.abort();
  await worker.ended;
  deepEqual(gateway.requests.filter(({ method }) => method === "DELETE"), []);
  equal(bed.logged("gateway not reached").length, 1);
});

Deno.test("a worker rejoins by itself after its gateway was restarted", async () => {
  await using bed = await WorkerBed.create();
  const first = new FakeWorkerGateway(() => taken([], 600));
  await using worker = await bed.start(first.url);
  await until(() => first.requests.length > 0, "it joins");
  await first[Symbol.asyncDispose]();
  await until(() => bed.logged("gateway not reached").length === 1, "it notices");
  await using second = new FakeWorkerGateway(() => taken(), first.port);
  const startMs = performance.now();
  await until(() => second.requests.length > 0, "it is back");
  ok(performance.now() - startMs < 5_000);
  equal(second.reports[0]!.backends[0]!.endpoint, `127.0.0.1:${worker.launch.port}`);
  await until(() => bed.logged("joined the gateway").length === 2, "it knows that it is back");
});

Deno.test("a worker whose rpc server dies says so at once, and again when it is back", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway();
  await using _worker = await bed.start(gateway.url);
  await until(() => gateway.requests.length > 0, "it joins");
  const { pid } = bed.logged("rpc server listens")[0]!;
  const killedMs = performance.now();
  Deno.kill(Number(pid), "SIGKILL");
  await until(() => gateway.reports.some(({ backends }) => !backends[0]!.is_running), "it says so");
  ok(performance.now() - killedMs < 1_500);
  const isBack = () => gateway.reports.at(-1)!.backends[0]!.is_running;
  await until(isBack, "it says that it is back");
  const [backend] = gateway.reports.at(-1)!.backends;
  deepEqual([backend!.is_running, backend!.restart_count], [true, 1]);
});

Deno.test("a slow gateway never gets two reports at a time", async () => {
  await using bed = await WorkerBed.create();
  let [underWay, most] = [0, 0];
  await using gateway = new FakeWorkerGateway(async () => {
    most = Math.max(most, ++underWay);
    await delay(400);
    underWay--;
    return taken([], 300);
  });
  await using _worker = await bed.start(gateway.url);
  await until(() => gateway.requests.length >= 3, "three reports");
  equal(most, 1);
});

Deno.test("a worker with a wrong token says so once, loudly, and stays", async () => {
  await using bed = await WorkerBed.create();
  await using gateway = new FakeWorkerGateway(() => refusal(401, "wrong token"));
  await using worker = await bed.start(gateway.url, { token: "wrong" });
  await until(() => bed.logged("gateway refuses this worker").length === 1, "it says so");
  const [line] = bed.logged("gateway refuses this worker");
  equal(line!["level"], "error");
  match(String(line!["reason"]), /answers 401 \("wrong token"\): it wants a token/);
  ok(!JSON.stringify(bed.lines).includes('"wrong"'), "the token is in no line");
  (await Deno.connect({ port: worker.launch.port })).close();
});

Deno.test({
  name: "a worker restarts an rpc server that waits for a client that is gone, and no other",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using bed = await WorkerBed.create();
    await using gateway = new FakeWorkerGateway();
    await using worker = await bed.start(gateway.url);
    const endpoint = `127.0.0.1:${worker.launch.port}`;
    const say = (client: string) => {
      const vanished = [{ endpoint, client }];
      gateway.answer = () => Response.json({ timeout_ms: 600, in_use: [], vanished });
    };
    say("127.0.0.1:1");
    using client = await Deno.connect({ port: worker.launch.port });
    const isHeld = () => gateway.reports.at(-1)!.backends[0]!.held_by.length > 0;
    await until(() => gateway.reports.length > 0 && isHeld(), "it is held");
    const count = gateway.reports.length;
    await until(() => gateway.reports.length > count + 3, "some more answers");
    equal(bed.logged("rpc server ended").length, 0, "it serves another client");
    say(`127.0.0.1:${client.localAddr.port}`);
    await until(() => bed.logged("rpc server listens").length === 2, "it was restarted");
    const clients = bed.logged("rpc server waits for a client that is gone").map((line) => line["clients"]);
    deepEqual(clients, [[`127.0.0.1:${client.localAddr.port}`]]);
  },
});
