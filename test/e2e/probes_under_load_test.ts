import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { ParkedProbes } from "../../lib/rpc/parked_probes.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { ChatStream } from "./chat.ts";
import { CoordinatorBed, type RealPrograms } from "./coordinator_bed.ts";
import { CountedBackend } from "./counted_backend.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** `SOLLOL_TEST_ENDURE=1` makes it as long as was promised; the suite has the short form. */
const IS_WHOLE = Deno.env.get("SOLLOL_TEST_ENDURE") === "1";
const { durationMs, startCount } = IS_WHOLE
  ? { durationMs: 20_000, startCount: 50 }
  : { durationMs: 5_000, startCount: 12 };
const PROBES_PER_SECOND = 200;
const PROBE_COUNT = PROBES_PER_SECOND * durationMs / 1_000;
const PROBE_TIMEOUT_MS = 250;
const STREAM_TOKENS = 100;

/** What was done, and what came of it. */
interface Toll {
  probeCount: number;
  readonly verdicts: Record<string, number>;
  streamCount: number;
  tokenCount: number;
  readonly ends: Record<string, number>;
}

const title =
  `${PROBES_PER_SECOND} probes a second for ${durationMs / 1_000} s and ${startCount} coordinators ` +
  `started and killed disturb no stream and end no rpc backend${
    IS_WHOLE ? "" : " (short; whole: deno task endure)"
  }`;

test(title, async (programs) => {
  await using stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0 }));
  const held = await startBackends(programs, stack, [21, 22, 23]);
  const contested = await startBackends(programs, stack, [31, 32, 33]);
  const gateway = stack.use(await bed.serve({ rpcBackends: held.map(({ endpoint }) => endpoint) }));
  const coordinators = stack.use(await CoordinatorBed.create(programs, 0));
  const toll: Toll = {
    probeCount: 0,
    verdicts: {},
    streamCount: 0,
    tokenCount: 0,
    ends: {},
  };
  await streamOnce(gateway, toll); // loads the model
  const over = AbortSignal.timeout(durationMs);
  const startMs = performance.now();
  const outcomes = await Promise.allSettled([
    streamUntil(gateway, over, toll),
    probeAll([...held, ...contested], toll),
    startAndKill(coordinators, contested, toll),
  ]);
  const tookMs = performance.now() - startMs;
  const failures = outcomes.flatMap((outcome) => outcome.status === "rejected" ? [outcome.reason] : []);
  deepEqual(failures.map(String), []);
  const report = JSON.stringify({ ...toll, tookMs: Math.round(tookMs) });
  if (IS_WHOLE) await Deno.stdout.write(new TextEncoder().encode(`${report}\n`));
  equal(toll.probeCount, PROBE_COUNT);
  ok(tookMs < 1.5 * durationMs, `it took ${tookMs} ms: too slow to be a load`);
  ok(toll.streamCount >= 2, `${toll.streamCount} streams`);
  ok((toll.verdicts["up"] ?? 0) > 0, "none was ever free");
  await gateway.stop();
  equal(gateway.loads.length, 1, "the gateway's coordinator never had to be started again");
  for (const backend of [...held, ...contested]) {
    ok(backend.isAlive, `${backend.endpoint} died`);
    await eventually(`${backend.endpoint} answers a probe`, () => backend.answers(), 5_000);
  }
  await bed.assertNothingLeft();
});

test("a gateway never connects to the rpc backends that its coordinator holds", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0 }));
  const backends = await startBackends(programs, stack, [41, 42, 43]);
  const rpcBackends = backends.map(({ endpoint }) => endpoint);
  await using gateway = await bed.serve({ rpcBackends, args: ["--set", "rpc.trust=100ms"] });
  const counts = () => backends.map(({ acceptedCount }) => acceptedCount);
  await eventually("it probes what is free, again and again", () => counts().every((count) => count > 8));
  const first = await ChatStream.open(gateway.url, { maxTokens: 4 });
  await first.rest();
  const heldCounts = counts();
  for (let round = 0; round < 3; round++) {
    for (const target of ["/api/admin/rpc-backends", "/health"]) {
      await (await fetch(gateway.url + target)).body?.cancel();
    }
    const stream = await ChatStream.open(gateway.url, { maxTokens: STREAM_TOKENS });
    equal((await stream.rest()).isDone, true);
  }
  gateway.program.signal("SIGKILL"); // it cannot probe any more what its coordinator leaves
  await gateway.program.ended;
  await eventually("the coordinator ends with its gateway", () => bed.sandbox.processes().length === 0);
  await delay(500); // a connection that had waited in a queue would be accepted now
  deepEqual(counts(), heldCounts);
});

async function startBackends(
  { rpcServer }: RealPrograms,
  stack: AsyncDisposableStack,
  numbers: readonly number[],
): Promise<CountedBackend[]> {
  return await Promise.all(
    numbers.map(async (number) => stack.use(await CountedBackend.start(rpcServer, `127.0.0.${number}`))),
  );
}

async function streamUntil(gateway: ServedGateway, over: AbortSignal, toll: Toll): Promise<void> {
  while (!over.aborted) await streamOnce(gateway, toll);
}

/** Every stream has all its tokens and its end. */
async function streamOnce(gateway: ServedGateway, toll: Toll): Promise<void> {
  const stream = await ChatStream.open(gateway.url, { maxTokens: STREAM_TOKENS });
  const end = await stream.rest();
  deepEqual(end, { tokenCount: STREAM_TOKENS, finishReason: "length", isDone: true, error: undefined });
  equal(stream.response.headers.get("x-sollol-attempts"), "1");
  toll.streamCount++;
  toll.tokenCount += end.tokenCount;
}

/** Each backend in turn, as the gateway probes it and as a `sollol probe` that knows of no other. */
async function probeAll(backends: readonly CountedBackend[], toll: Toll): Promise<void> {
  using parked = new ParkedProbes();
  const underWay = new Set<Promise<void>>();
  const startMs = performance.now();
  const ask = async (number: number) => {
    const { endpoint } = backends[number % backends.length]!;
    const isParked = Math.floor(number / backends.length) % 2 === 0;
    const options = { timeoutMs: PROBE_TIMEOUT_MS, ...(isParked && { parked }) };
    const { verdict } = await probe(parseEndpoint(endpoint), options);
    toll.verdicts[verdict] = (toll.verdicts[verdict] ?? 0) + 1;
  };
  for (let number = 0; number < PROBE_COUNT; number++) {
    const probing = ask(number).finally(() => underWay.delete(probing));
    underWay.add(probing);
    toll.probeCount++;
    await delay(Math.max(0, startMs + (number + 1) * 1_000 / PROBES_PER_SECOND - performance.now()));
  }
  await Promise.all(underWay);
}

/** Some are killed while they load, some once they serve, some are stopped in order. */
async function startAndKill(
  bed: CoordinatorBed,
  backends: readonly CountedBackend[],
  toll: Toll,
): Promise<void> {
  const endpoints = backends.map(({ endpoint }) => endpoint);
  for (let number = 0; number < startCount; number++) {
    const end = ["killed", "stopped", "killed while loading", "given up while loading"][number % 4]!;
    await startAndEnd(bed, endpoints, end);
    toll.ends[end] = (toll.ends[end] ?? 0) + 1;
  }
}

async function startAndEnd(bed: CoordinatorBed, endpoints: readonly string[], end: string): Promise<void> {
  const giveUp = new AbortController();
  const launch = bed.launch(bed.plan([3, 3, 3], endpoints), { enumerateTimeoutMs: 20_000 });
  const starting = bed.start(launch, { signal: giveUp.signal });
  if (end.endsWith("while loading")) {
    await eventually("it runs", () => bed.pids().length > 0);
    await delay(Math.random() * 150);
    if (end.startsWith("killed")) bed.pids().forEach(kill);
    else giveUp.abort(new Error("given up"));
    await starting.then((coordinator) => coordinator.stop(), () => {});
    return;
  }
  await using coordinator = await starting;
  if (end === "killed") kill(coordinator.pid);
  else await coordinator.stop();
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it was faster
  }
}
