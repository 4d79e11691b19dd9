import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../fixtures/free_port.ts";
import { namespaceObstacle } from "../fixtures/network_namespace.ts";
import { CableBed } from "./cable_bed.ts";
import { chat, ChatStream } from "./chat.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";
import { RealWorker, untilHealth } from "./worker_bed.ts";

const test = await withLlamaCpp();
const namespaced = { skip: await namespaceObstacle() };

/** The promise: a machine that is cut off is down within 6 s, and up within 5 s after its return. */
const DOWN_MS = 6_000;
const UP_MS = 5_000;
/** Longer than any cut. */
const ENDLESS = 3_900;

test("a machine that stands still is down, and back by itself with the same processes", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using gateway = await bed.serve();
  const { url } = gateway;
  await using asleep = await RealWorker.start(bed.sandbox, programs, { gatewayUrl: url, name: "asleep" });
  await using frozen = await RealWorker.start(bed.sandbox, programs, { gatewayUrl: url, name: "frozen" });
  for (const { endpoint } of [asleep, frozen]) await untilHealth(url, endpoint, "up", UP_MS);
  // The whole machine, and one whose rpc server goes on without its worker.
  const pids = [asleep.program.pid, asleep.serverPid, frozen.program.pid];
  for (const pid of pids) Deno.kill(pid, "SIGSTOP");
  const downs = await Promise.all(
    [asleep, frozen].map(({ endpoint }) => untilHealth(url, endpoint, "down", DOWN_MS)),
  );
  deepEqual(
    downs.map(({ reason }) => /no heartbeat from worker (\w+) for 5 s/.exec(reason)?.[1]),
    ["asleep", "frozen"],
  );
  for (const pid of pids) Deno.kill(pid, "SIGCONT");
  await Promise.all([asleep, frozen].map(({ endpoint }) => untilHealth(url, endpoint, "up", UP_MS)));
  equal((await chat(url)).status, 200);
  for (const { program, startCount, serverPid } of [asleep, frozen]) {
    deepEqual([program.isRunning, startCount], [true, 1]);
    match(Deno.readTextFileSync(`/proc/${serverPid}/cmdline`), /rpc-server/);
  }
  await gateway.stop();
  await Promise.all([asleep.stop(), frozen.stop()]);
  await bed.assertNothingLeft();
});

test(
  "a stream over a cut cable ends with a clear error, and the next one works after the return",
  async (programs) => {
    await using shelf = await CableBed.create(programs);
    const { cable, gateway, worker } = shelf;
    const stream = await ChatStream.open(gateway.url, { maxTokens: ENDLESS });
    const startMs = performance.now();
    await cable.cut();
    const [{ reason }, { error, isDone }] = await Promise.all([shelf.until("down", DOWN_MS), stream.rest()]);
    match(reason, /no heartbeat from worker cellar for 5 s/);
    ok(performance.now() - startMs < 13_000, "the client was told late");
    deepEqual([isDone, error?.code], [false, "upstream_failed"]);
    match(error!.message, new RegExp(`made no progress for .*${worker.endpoint}`));
    equal(shelf.clients().length, 1, "the server still believes to serve the coordinator");
    await cable.mend();
    await shelf.until("up", UP_MS);
    const { status, tokenCount } = await chat(gateway.url);
    deepEqual({ status, tokenCount }, { status: 200, tokenCount: 4 });
    await shelf.end();
  },
  namespaced,
);

test(
  "a coordinator sits a short cut out amid a stream; an idle one is replaced by itself",
  async (programs) => {
    await using shelf = await CableBed.create(programs);
    const { cable, gateway, worker } = shelf;
    const stream = await ChatStream.open(gateway.url, { maxTokens: 400 });
    await cable.cut();
    await delay(1_000);
    await cable.mend();
    const { tokenCount, finishReason } = await stream.rest();
    deepEqual({ tokenCount, finishReason }, { tokenCount: 400, finishReason: "length" });
    await cable.cut();
    await shelf.until("down", DOWN_MS);
    await cable.mend();
    const { holder } = await shelf.until("held", UP_MS);
    equal(holder, "tiny:latest");
    const { status, headers } = await chat(gateway.url);
    deepEqual([status, headers.get("x-sollol-attempts")], [200, "1"]);
    await shelf.end();
    deepEqual([gateway.loads.length, worker.startCount], [2, 1]);
  },
  namespaced,
);

test("a coordinator that vanished during a cut does not hold an rpc server", async (programs) => {
  await using shelf = await CableBed.create(programs);
  const { cable, gateway, worker } = shelf;
  equal((await chat(gateway.url)).status, 200);
  await delay(2_500); // the worker has told of it
  await cable.cut();
  await shelf.until("down", DOWN_MS);
  await cable.forgetConnections();
  Deno.kill(await gateway.coordinatorPid(), "SIGKILL");
  equal(shelf.clients().length, 1, "the server waits for a client that is gone");
  await cable.mend();
  await shelf.until("up", UP_MS);
  equal((await chat(gateway.url)).status, 200);
  equal(worker.startCount, 2);
  await shelf.end();
  equal(worker.program.logged("rpc server waits for a client that is gone").length, 1);
}, namespaced);

test(
  "a stranger's client holds an rpc server, even if it seems to have vanished: it may be behind NAT",
  async (programs) => {
    await using shelf = await CableBed.create(programs);
    const { cable, worker } = shelf;
    const [hostname, port] = [cable.innerAddress, Number(worker.endpoint.split(":")[1])];
    using _stranger = await Deno.connect({ hostname, port });
    const { reason } = await shelf.until("held", UP_MS);
    match(reason, new RegExp(`serves ${cable.outerAddress}:\\d+, says worker cellar`));
    await delay(2_500); // several beats
    deepEqual([shelf.clients().length, worker.startCount], [1, 1]);
    await cable.cut();
    await shelf.until("down", DOWN_MS);
    await cable.forgetConnections();
    await cable.mend();
    await shelf.until("held", UP_MS);
    await delay(2_500); // several beats
    deepEqual([shelf.clients().length, worker.startCount], [1, 1]);
    await shelf.end();
  },
  namespaced,
);

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`a worker is back by itself after its gateway was restarted by ${signal}`, async (programs) => {
    await using bed = await GatewayBed.create(programs, { backendCount: 0 });
    const args = ["--listen", `127.0.0.1:${freePort()}`];
    await using first = await bed.serve({ args });
    const { url } = first;
    await using worker = await RealWorker.start(bed.sandbox, programs, { gatewayUrl: url, name: "cellar" });
    await untilHealth(url, worker.endpoint, "up", UP_MS);
    equal((await chat(url)).status, 200); // so that a coordinator has it at the end
    Deno.kill(first.program.pid, signal);
    await first.program.ended;
    await worker.program.untilLogged("gateway not reached");
    await using second = await bed.serve({ args });
    await untilHealth(url, worker.endpoint, "up", UP_MS);
    equal((await chat(url)).status, 200);
    deepEqual([worker.program.isRunning, worker.startCount], [true, 1]);
    await second.stop();
    await worker.stop();
    await bed.assertNothingLeft();
  });
}
