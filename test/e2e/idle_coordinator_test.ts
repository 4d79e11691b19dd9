import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chat, ChatStream } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** Each model on one rpc backend, if there is one for it. */
const APART = { "coordinator.placement": "auto" };

function loadMs({ headers }: { readonly headers: Headers }): number {
  return Number(headers.get("x-sollol-load-ms"));
}

/** Names of the models that are ready, sorted. */
async function readyModels(gateway: ServedGateway): Promise<string[]> {
  const { coordinators } = await gateway.health();
  return coordinators.filter(({ state }) => state === "ready").map(({ model }) => model).sort();
}

async function untilStopped(gateway: ServedGateway): Promise<void> {
  await eventually("nothing is loaded", async () => {
    return (await gateway.health()).coordinators.every(({ state }) => state === "stopped");
  });
}

test("a coordinator that is idle for pool.idle_ttl is stopped, and the next request loads it again", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve({ settings: { "pool.idle_ttl": "500ms" } });
  await (await ChatStream.open(gateway.url, { maxTokens: 300 })).rest(); // longer than that, but not idle
  equal(loadMs(await chat(gateway.url)), 0);
  await untilStopped(gateway);
  equal(bed.sandbox.processes().length, 1, "the gateway alone");
  const again = await chat(gateway.url);
  equal(again.status, 200);
  ok(loadMs(again) > 0);
  await gateway.stop();
  equal(gateway.loads.length, 2);
  await bed.assertNothingLeft();
});

test("x-sollol-keep-alive: 0 unloads the model behind the answer, -1 keeps it", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  const answer = await chat(gateway.url, { headers: { "x-sollol-keep-alive": "0" } });
  equal(answer.tokenCount, 4);
  await untilStopped(gateway);
  await chat(gateway.url, { headers: { "x-sollol-keep-alive": "-1" } });
  const [coordinator] = (await gateway.health()).coordinators;
  deepEqual([coordinator!.state, coordinator!.expiresInMs], ["ready", null]);
  const wrong = await chat(gateway.url, { headers: { "x-sollol-keep-alive": "soon" } });
  deepEqual([wrong.status, wrong.error!.param], [400, "x-sollol-keep-alive"]);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a pinned model is stopped neither for another one nor for being idle", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1, models: ["tiny", "other"] });
  const settings = { "pool.pinned": "tiny", "pool.idle_ttl": "200ms" };
  await using gateway = await bed.serve({ settings });
  await chat(gateway.url);
  const { status, error } = await chat(gateway.url, { model: "other" });
  deepEqual([status, error!.code], [503, "no_capacity"]);
  match(error!.message, /"tiny:latest", which is pinned/);
  equal(loadMs(await chat(gateway.url)), 0);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  await bed.assertNothingLeft();
});

test("models of pool.prewarm are loaded at the start, in their order", async (programs) => {
  await using bed = await GatewayBed.create(programs, {
    backendCount: 2,
    models: ["tiny", "other", "third"],
  });
  await using gateway = await bed.serve({ settings: { ...APART, "pool.prewarm": "other,tiny" } });
  await eventually("both are ready", async () => (await readyModels(gateway)).length === 2);
  for (const model of ["tiny", "other"]) equal(loadMs(await chat(gateway.url, { model })), 0);
  await gateway.stop();
  deepEqual(gateway.loads.map(({ model }) => model), ["other:latest", "tiny:latest"]);
  await bed.assertNothingLeft();
});

test("two models that fit beside each other answer at once, each on its own rpc backend", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2, models: ["tiny", "other"] });
  await using gateway = await bed.serve({ settings: APART });
  const streams = await Promise.all(
    ["tiny", "other"].map((model) => ChatStream.open(gateway.url, { model, maxTokens: 300 })),
  );
  deepEqual(await readyModels(gateway), ["other:latest", "tiny:latest"]);
  const { coordinators } = await gateway.health();
  deepEqual(coordinators.map(({ inFlightCount }) => inFlightCount), [1, 1]);
  deepEqual(coordinators.flatMap(({ endpoints }) => endpoints).sort(), bed.endpoints);
  for (const stream of streams) equal((await stream.rest()).tokenCount, 300);
  await gateway.stop();
  equal(gateway.loads.length, 2);
  await bed.assertNothingLeft();
});

test("one coordinator alone makes room for a third model", async (programs) => {
  await using bed = await GatewayBed.create(programs, {
    backendCount: 2,
    models: ["tiny", "other", "third"],
  });
  await using gateway = await bed.serve({ settings: { ...APART, "pool.prewarm": "tiny,other" } });
  await eventually("both are ready", async () => (await readyModels(gateway)).length === 2);
  await (await ChatStream.open(gateway.url, { maxTokens: 600 })).rest(); // what is known of the rpc backends becomes old
  equal((await chat(gateway.url, { model: "third" })).status, 200);
  const ready = await readyModels(gateway);
  equal(ready.length, 2, `ready are ${ready}`);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("an idle coordinator whose rpc backend died is replaced before the next request", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  await chat(gateway.url);
  const dead = await bed.killBackend(1);
  const killedMs = performance.now();
  await gateway.program.untilLogged("coordinator ready", 2);
  const tookMs = performance.now() - killedMs;
  ok(tookMs < 8_000, `it took ${tookMs} ms`);
  const answer = await chat(gateway.url);
  deepEqual([answer.status, answer.headers.get("x-sollol-attempts"), loadMs(answer)], [200, "1", 0]);
  const [coordinator] = (await gateway.health()).coordinators;
  deepEqual(coordinator!.endpoints.includes(dead), false);
  await gateway.stop();
  await bed.assertNothingLeft();
});
