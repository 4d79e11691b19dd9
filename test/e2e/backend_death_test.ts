import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chat, ChatStream } from "./chat.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** Longer than any test: about 20 s. */
const ENDLESS = 3_900;

/** Kills something amid a stream; the client must be told by an event within a second, never by a silent end. */
async function breakStream(gateway: ServedGateway, kill: () => unknown): Promise<string> {
  const stream = await ChatStream.open(gateway.url, { maxTokens: ENDLESS });
  await kill();
  const killedMs = performance.now();
  const { error, isDone } = await stream.rest();
  const noticedMs = performance.now() - killedMs;
  ok(noticedMs < 1_000, `the client was told after ${noticedMs} ms`);
  equal(isDone, false);
  ok(error, "the stream ended in silence");
  equal(error.code, "upstream_failed");
  return error.message;
}

async function layersByEndpoint(gateway: ServedGateway): Promise<Record<string, number>> {
  const placement = await gateway.placement();
  return Object.fromEntries(placement.devices.map(({ endpoint, layerCount }) => [endpoint, layerCount]));
}

test("an rpc backend killed amid a stream is told, and the other two answer what comes next", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const dead = bed.endpoints[1]!;
  const message = await breakStream(gateway, () => bed.killBackend(1));
  match(message, new RegExp(`died while answering.*${dead}`));
  const { status, tokenCount, headers } = await chat(gateway.url);
  deepEqual({ status, tokenCount }, { status: 200, tokenCount: 4 });
  match(headers.get("x-sollol-decision")!, new RegExp(`over 2 rpc backends.*Left out: .*${dead}`));
  deepEqual(await layersByEndpoint(gateway), { [bed.endpoints[0]!]: 4, [bed.endpoints[2]!]: 4 });
  bed.assertAlive([0, 2]);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("the only rpc backend killed amid a stream is named to whoever asks next", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  const [dead] = bed.endpoints;
  match(await breakStream(gateway, () => bed.killBackend(0)), new RegExp(dead!));
  const { status, error } = await chat(gateway.url);
  equal(status, 502);
  equal(error!.code, "backend_unreachable");
  match(error!.message, new RegExp(`Nothing listens at ${dead}; start ggml-rpc-server there`));
  equal((await fetch(`${gateway.url}/v1/models`).then((answer) => answer.json())).data.length, 1);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("an rpc backend killed while idle costs the next client time, not an answer", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  await chat(gateway.url);
  await bed.killBackend(2);
  const { status, tokenCount, headers } = await chat(gateway.url);
  deepEqual({ status, tokenCount }, { status: 200, tokenCount: 4 });
  equal(headers.get("x-sollol-attempts"), "2");
  deepEqual(Object.keys(await layersByEndpoint(gateway)), bed.endpoints.slice(0, 2));
  await gateway.stop();
  equal(gateway.loads.length, 2);
  await bed.assertNothingLeft();
});

test("a stream that meets an rpc backend killed while idle is asked again before its first byte", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  await using gateway = await bed.serve();
  await chat(gateway.url);
  await bed.killBackend(0);
  const stream = await ChatStream.open(gateway.url, { maxTokens: 8 });
  equal(stream.response.headers.get("x-sollol-attempts"), "2");
  deepEqual(await stream.rest(), { tokenCount: 8, finishReason: "length", isDone: true, error: undefined });
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("the only rpc backend killed while idle is named to the next client", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  await chat(gateway.url);
  const dead = await bed.killBackend(0);
  const { status, error } = await chat(gateway.url);
  equal(status, 502);
  match(error!.message, new RegExp(`Nothing listens at ${dead}`));
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a coordinator killed amid a stream is told, and a new one answers what comes next", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const message = await breakStream(
    gateway,
    async () => Deno.kill(await gateway.coordinatorPid(), "SIGKILL"),
  );
  match(message, /coordinator of tiny:latest died.*SIGKILL/);
  const { status, headers } = await chat(gateway.url);
  equal(status, 200);
  equal(headers.get("x-sollol-attempts"), "1");
  deepEqual(Object.keys(await layersByEndpoint(gateway)), bed.endpoints);
  bed.assertAlive([0, 1, 2]);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("an rpc backend that freezes amid a stream is noticed by its silence, named, and left out", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve({ args: ["--set", "timeouts.stall=1s"] });
  const stream = await ChatStream.open(gateway.url, { maxTokens: ENDLESS });
  const frozen = bed.backends[1]!;
  frozen.process.signal("SIGSTOP");
  try {
    const { error, isDone } = await stream.rest();
    equal(isDone, false);
    match(error!.message, new RegExp(`made no progress for .*${frozen.endpoint}`));
    const { status, headers } = await chat(gateway.url);
    equal(status, 200);
    match(
      headers.get("x-sollol-decision")!,
      new RegExp(`over 2 rpc backends.*Left out: .*${frozen.endpoint}`),
    );
  } finally {
    frozen.process.signal("SIGCONT");
  }
  await gateway.stop();
  await bed.assertNothingLeft();
});
