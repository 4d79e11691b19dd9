import { deepEqual, equal, match, ok } from "node:assert/strict";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RealPrograms } from "./coordinator_bed.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** Of the model that the demo writes. */
const LAYER_COUNT = 8;
const DEMO = ["demo", "--listen", "127.0.0.1:0"];
const ESCAPE = "\x1b";

/** The demo looks for llama.cpp on the PATH. */
function sandboxFor({ llamaServer }: RealPrograms): Promise<Sandbox> {
  return Sandbox.create([dirname(llamaServer)]);
}

test("demo --once prints where the layers are and the answer, and leaves nothing", async (programs) => {
  await using sandbox = await sandboxFor(programs);
  const { code, stdout, stderr } = await Program.run(sandbox, [...DEMO, "--once"]);
  equal(code, 0, stderr);
  for (const host of ["127.0.0.2", "127.0.0.3", "127.0.0.4"]) {
    match(stdout, new RegExp(`^${host}:\\d+ +\\d(-\\d)?.* MiB`, "m"));
  }
  match(stdout, /8 layers of "tiny:latest" over 3 rpc backends/);
  match(stdout, /The answer.*\n +.*\b[a-z]{2,} [a-z]{2,}/);
  match(stdout, /48 tokens, \d+ tokens\/s, loaded in /);
  ok(!stdout.includes(ESCAPE) && !stderr.includes(ESCAPE), "escape codes where there is no terminal");
  await sandbox.assertEmpty();
});

test("demo --once --json prints one JSON document with the whole story", async (programs) => {
  await using sandbox = await sandboxFor(programs);
  const { code, stdout, stderr } = await Program.run(sandbox, [...DEMO, "--once", "--json"]);
  equal(code, 0, stderr);
  const { answer, placement, layerCount, decision, tokensPerSecond } = JSON.parse(stdout);
  match(answer, /\b[a-z]{2,} [a-z]{2,}/);
  const backends = placement.map(({ backend }: { backend: string }) => backend);
  equal(new Set(backends).size, 3, stdout);
  const layers = placement.map(({ layers }: { layers: number }) => layers);
  equal(layerCount, LAYER_COUNT, "the model's file");
  equal(layers.reduce((sum: number, count: number) => sum + count), layerCount);
  for (const backend of backends) ok(decision.includes(backend), decision);
  ok(tokensPerSecond > 0);
  await sandbox.assertEmpty();
});

for (
  const { moment, says, afterMs = 0, signal } of [
    { moment: "while it looks for llama.cpp", says: /Looking for/, signal: "SIGINT" },
    { moment: "while the backends start", says: /Starting three rpc backends/, signal: "SIGINT" },
    { moment: "while the gateway starts", says: /Starting the gateway/, signal: "SIGTERM" },
    { moment: "as the load begins", says: /Loading the model/, signal: "SIGINT" },
    { moment: "in the middle of the load", says: /Loading the model/, afterMs: 150, signal: "SIGINT" },
    { moment: "amid the answer", says: /Reading the answer/, signal: "SIGINT" },
  ] as const
) {
  test(`${signal} ${moment} ends the demo within 5 s, and nothing is left`, async (programs) => {
    await using sandbox = await sandboxFor(programs);
    await using demo = Program.start(sandbox, [...DEMO, "--once"]);
    await demo.stderr.until(says);
    await delay(afterMs);
    const signalledMs = performance.now();
    demo.signal(signal);
    const { code, stdout, stderr } = await demo.ended;
    ok(performance.now() - signalledMs < 5_000);
    if (code !== 0) { // else it was faster than the signal
      deepEqual({ code, stdout }, { code: 130, stdout: "" }, stderr);
      match(stderr, /sollol: Interrupted\n$/);
    }
    await sandbox.assertEmpty();
  });
}

test("SIGINT ends a demo that stays up, and nothing is left", async (programs) => {
  await using sandbox = await sandboxFor(programs);
  await using demo = Program.start(sandbox, DEMO);
  const [, url] = await demo.stdout.until(/curl -N (http:\S+)\/v1\/chat\/completions/);
  const health = await (await fetch(`${url}/health`)).json();
  equal(health.coordinators[0].state, "ready");
  equal(sandbox.processes().length, 5, "the demo, three backends and a coordinator");
  demo.signal("SIGINT");
  equal((await demo.ended).code, 0);
  await sandbox.assertEmpty();
});

test("a demo whose address is taken says so and leaves nothing", async (programs) => {
  await using sandbox = await sandboxFor(programs);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const { code, stdout, stderr } = await Program.run(sandbox, ["demo", "--once", "--listen", address]);
  deepEqual({ code, stdout }, { code: 1, stdout: "" });
  match(
    stderr,
    new RegExp(`Cannot listen on ${address}: \\S+, pid \\d+ listens there; .*choose another --listen`),
  );
  await sandbox.assertEmpty();
});
