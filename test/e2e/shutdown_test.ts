import { deepEqual, equal, ok } from "node:assert/strict";
import { canBindLifetime } from "../../lib/process/wrapped_command.ts";
import { chat, ChatStream } from "./chat.ts";
import { diagnose } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** Longer than any test: about 20 s. */
const ENDLESS = 3_900;

async function verdicts(bed: GatewayBed): Promise<string[]> {
  return (await diagnose(bed.endpoints)).map(({ verdict }) => verdict);
}

test("SIGTERM lets a stream run to its end, then the gateway exits with 0", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const stream = await ChatStream.open(gateway.url, { maxTokens: 200 });
  gateway.program.signal("SIGTERM");
  await gateway.program.untilLogged("shutting down");
  const end = await stream.rest();
  deepEqual(end, { tokenCount: 200, finishReason: "length", isDone: true, error: undefined });
  const { code, stderr } = await gateway.program.ended;
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  equal(gateway.program.logged("requests cut").length, 0);
  await bed.assertNothingLeft();
  deepEqual(await verdicts(bed), ["up", "up", "up"]);
});

test("SIGTERM amid a load lets the client that waits for it have its answer", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const answer = chat(gateway.url);
  answer.catch(() => {}); // told below; an earlier failure must not be hidden by it
  await gateway.program.untilLogged("coordinator planned");
  gateway.program.signal("SIGTERM");
  equal((await answer).status, 200);
  equal((await gateway.program.ended).code, 0);
  await bed.assertNothingLeft();
});

for (
  const { name, args = [], signals } of [
    { name: "a second SIGTERM", signals: ["SIGTERM", "SIGTERM"] },
    { name: "SIGINT after SIGTERM", signals: ["SIGTERM", "SIGINT"] },
    { name: "the end of the drain time", args: ["--set", "timeouts.drain=200ms"], signals: ["SIGTERM"] },
  ] as const
) {
  test(`${name} cuts a stream by an error event, and the gateway exits in order within 5 s`, async (programs) => {
    await using bed = await GatewayBed.create(programs);
    await using gateway = await bed.serve({ args });
    const stream = await ChatStream.open(gateway.url, { maxTokens: ENDLESS });
    const startMs = performance.now();
    for (const signal of signals) {
      gateway.program.signal(signal);
      await gateway.program.untilLogged("shutting down");
    }
    const { isDone, error } = await stream.rest();
    equal(isDone, false);
    ok(error, "the stream ended in silence");
    const { code, stderr } = await gateway.program.ended;
    deepEqual({ code, stderr }, { code: 0, stderr: "" });
    ok(performance.now() - startMs < 5_000);
    equal(gateway.program.logged("requests cut").length, 1);
    await bed.assertNothingLeft();
    deepEqual(await verdicts(bed), ["up", "up", "up"]);
  });
}

test("a client that reads nothing does not keep a hurried gateway from exiting", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(gateway.url).port) });
  const body = JSON.stringify({
    model: "tiny",
    stream: true,
    max_tokens: ENDLESS,
    messages: [{ role: "user", content: "a" }],
  });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`;
  await client.write(new TextEncoder().encode(head + body));
  await client.read(new Uint8Array(1));
  gateway.program.signal("SIGTERM");
  await gateway.program.untilLogged("shutting down");
  gateway.program.signal("SIGTERM");
  await eventually("the gateway has exited", () => !gateway.program.isRunning, 5_000);
  equal((await gateway.program.ended).code, 0);
  await bed.assertNothingLeft();
});

test("a gateway killed by SIGKILL amid a stream takes its coordinator along", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const stream = await ChatStream.open(gateway.url, { maxTokens: ENDLESS });
  const coordinatorPid = await gateway.coordinatorPid();
  ok(bed.sandbox.processes().some(({ pid }) => pid === coordinatorPid));
  Deno.kill(gateway.program.pid, "SIGKILL"); // the pid alone: nobody else is told
  await eventually("nothing is left of it", () => bed.sandbox.processes().length === 0, 2_000);
  await stream.rest().catch(() => {}); // broken off
  bed.assertAlive([0, 1, 2]);
  await eventually("all backends are free", async () => (await verdicts(bed)).join() === "up,up,up", 5_000);
  await using next = await bed.serve();
  await chat(next.url);
  await next.stop();
  await bed.assertNothingLeft(); // of the killed one neither
}, { skip: await canBindLifetime() ? undefined : "no setpriv" });
