import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chat, ChatStream } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";
import { listBackends, RealWorker, untilHealth } from "./worker_bed.ts";

const test = await withLlamaCpp();

const UP_MS = 5_000;
/** Longer than the test. */
const ENDLESS = 3_900;

/** A stream over a worker's backend that is under way. */
async function startStream(bed: GatewayBed, programs: RealPrograms, maxTokens: number) {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await bed.serve());
  const { url } = gateway;
  const options = { gatewayUrl: url, name: "cellar" };
  const worker = stack.use(await RealWorker.start(bed.sandbox, programs, options));
  await untilHealth(url, worker.endpoint, "up", UP_MS);
  const stream = await ChatStream.open(url, { maxTokens });
  const owned = stack.move();
  return { gateway, worker, stream, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("a worker that is to end gets nothing new, and ends as soon as its stream is over", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using busy = await startStream(bed, programs, 600);
  const { gateway, worker, stream } = busy;
  worker.program.signal("SIGTERM");
  await worker.program.untilLogged("waits for coordinators");
  ok((await untilHealth(gateway.url, worker.endpoint, "held", UP_MS)).isDraining);
  const late = chat(gateway.url); // waits for the stream, since nothing new is begun on its backend
  const { tokenCount, isDone } = await stream.rest();
  const overMs = performance.now();
  deepEqual({ tokenCount, isDone }, { tokenCount: 600, isDone: true });
  const { code, stderr } = await worker.program.ended;
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  ok(performance.now() - overMs < 2_000, "it waited for a coordinator that had nothing to do");
  const { status, error } = await late; // it has waited for another backend
  // Planned when its worker still has to leave, or has just left: either is told as it is.
  const isGone = status === 503;
  ok(isGone || status === 502, `${status}`);
  match(error!.message, isGone ? /no rpc backend is left; start/ : /about to stop with its worker cellar/);
  deepEqual(await listBackends(gateway.url), []);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a worker that is told twice to end does not wait for its stream", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using busy = await startStream(bed, programs, ENDLESS);
  const { gateway, worker, stream } = busy;
  worker.program.signal("SIGTERM");
  await worker.program.untilLogged("waits for coordinators");
  worker.program.signal("SIGTERM");
  const [{ code, stderr }, { error, isDone }] = await Promise.all([worker.program.ended, stream.rest()]);
  deepEqual({ code, stderr, isDone }, { code: 0, stderr: "", isDone: false });
  equal(error!.code, "upstream_failed");
  equal(worker.program.logged("ends while in use").length, 1);
  await gateway.stop();
  await bed.assertNothingLeft();
});
