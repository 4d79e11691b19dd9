import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chat, ChatStream } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("ten clients that ask for a cold model at once share one load", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const answers = await Promise.all(Array.from({ length: 10 }, () => chat(gateway.url)));
  deepEqual(answers.map(({ status, tokenCount }) => [status, tokenCount]), Array(10).fill([200, 4]));
  for (const { headers } of answers) ok(Number(headers.get("x-sollol-load-ms")) > 0);
  const warm = await chat(gateway.url);
  equal(Number(warm.headers.get("x-sollol-load-ms")), 0);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  // Two of ten once waited 4 s for an HTTP thread of llama-server, which idle connections of ours held.
  for (const { durationMs, loadMs } of gateway.program.logged("request")) {
    ok(Number(durationMs) - Number(loadMs) < 3_000, `${durationMs} ms, of which ${loadMs} ms for the load`);
  }
  await bed.assertNothingLeft();
});

test("another model waits for the stream in flight, then takes its place", async (programs) => {
  await using bed = await GatewayBed.create(programs, { models: ["tiny", "other"] });
  await using gateway = await bed.serve();
  const stream = await ChatStream.open(gateway.url, { maxTokens: 300 });
  const waiting = chat(gateway.url, { model: "other" });
  waiting.catch(() => {}); // told below; an earlier failure must not be hidden by it
  await eventually("the other model's client waits", async () => {
    return (await gateway.health()).coordinators.some(({ waitingCount }) => waitingCount === 1);
  });
  const { isDone, tokenCount } = await stream.rest();
  deepEqual({ isDone, tokenCount }, { isDone: true, tokenCount: 300 });
  const answer = await waiting;
  deepEqual([answer.status, answer.tokenCount], [200, 4]);
  ok(Number(answer.headers.get("x-sollol-queue-ms")) > 0);
  ok(answer.text !== (await chat(gateway.url)).text, "two models said the same");
  await gateway.stop();
  deepEqual(gateway.loads.map(({ model }) => model), ["tiny:latest", "other:latest", "tiny:latest"]);
  await bed.assertNothingLeft();
});

test("a client that leaves amid a stream frees the only slot within 2 s", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve({ args: ["--slots", "1"] });
  const client = new AbortController();
  const stream = await ChatStream.open(gateway.url, { maxTokens: 3_900, signal: client.signal });
  client.abort();
  const startMs = performance.now();
  const { tokenCount } = await chat(gateway.url);
  equal(tokenCount, 4);
  ok(performance.now() - startMs < 2_000, "the next client had to wait");
  await stream.rest().catch(() => {}); // broken by us
  await gateway.stop();
  deepEqual(gateway.program.logged("request").map(({ outcome }) => outcome), ["client_closed", "ok"]);
  await bed.assertNothingLeft();
});

test("a client that leaves while the model loads does not end the load", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const client = new AbortController();
  const left = chat(gateway.url, { signal: client.signal }).catch((error) => error.name);
  await gateway.program.untilLogged("coordinator planned");
  client.abort();
  equal(await left, "AbortError");
  equal((await chat(gateway.url)).status, 200);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  await bed.assertNothingLeft();
});

test("a model that is not there costs the loaded one nothing", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  await chat(gateway.url);
  equal((await chat(gateway.url, { model: "nowhere" })).status, 404);
  equal(Number((await chat(gateway.url)).headers.get("x-sollol-load-ms")), 0);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  await bed.assertNothingLeft();
});

test("the coordinator's own log is kept in the state directory", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  const state = `${bed.sandbox.directory}/state`;
  await using gateway = await bed.serve({ args: ["--state-dir", state] });
  await chat(gateway.url);
  await gateway.stop();
  const [{ name }] = [...Deno.readDirSync(`${state}/logs`)] as [Deno.DirEntry];
  match(name, /^coordinator-.*tiny.*\.log$/);
  const log = await Deno.readTextFile(`${state}/logs/${name}`);
  ok(log.includes(bed.endpoints[0]!) && log.includes("model loaded"), log);
  await bed.assertNothingLeft();
});
