import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ChildProcess } from "../../lib/process/child.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { MIB } from "../../lib/units.ts";
import { chat, type ChatAnswer } from "./chat.ts";
import { freePort, type RealBackend, type RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** 256 MiB of KV cache, 32 MiB for each of the 8 layers: what is small is too small by far. */
const LARGE_CONTEXT = [
  ...["--set", "coordinator.context_size=32768", "--set", "coordinator.placement=auto"],
  ...["--set", "coordinator.ubatch_size=32"], // small compute buffers
];
/** Less than that in all, but enough for the program itself. */
const ADDRESS_SPACE_KIB = 256 * 1024;

test("an rpc backend whose memory limit is too small for a share is avoided", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  const [small, ...others] = bed.endpoints as [string, string, string];
  const limits = { [small]: "memory: 1MiB", [others[0]]: "memory: 220MiB", [others[1]]: "memory: 220MiB" };
  await using gateway = await bed.serve({ limits, args: LARGE_CONTEXT });
  const { status, error } = await chat(gateway.url);
  equal(status, 200, error?.message);
  deepEqual(await usedEndpoints(gateway), others);
  await gateway.stop();
  bed.assertAlive([0, 1, 2]);
  await bed.assertNothingLeft();
});

test("what fits on no rpc backend is refused with the numbers, and nothing is started", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  const limits = Object.fromEntries(bed.endpoints.map((endpoint) => [endpoint, "memory: 20MiB"]));
  await using gateway = await bed.serve({ limits, args: LARGE_CONTEXT });
  await chat(gateway.url, { model: "unknown" }); // what is slow only the first time is not measured
  const { answer, tookMs, commands } = await chatAndWatch(bed, gateway);
  deepEqual([answer.status, answer.error!.code], [507, "insufficient_memory"]);
  match(
    answer.error!.message,
    /needs \d{3}\.\d MiB with a context of 4 × 32768 tokens, 3 rpc backends have 60\.0 MiB free beside/,
  );
  match(answer.error!.message, /\d{3}\.\d MiB are missing\. It fits with a context of 4 × \d+ tokens/);
  ok(tookMs < 1_000, `it was refused after ${tookMs} ms`);
  deepEqual(commands.filter(isCoordinator), []);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("an rpc backend that has less memory than it says is found out, and the next one is taken", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using small = await startSmallBackend(programs);
  await using gateway = await bed.serve({
    rpcBackends: [small.endpoint, ...bed.endpoints],
    limits: { [bed.endpoints[0]!]: "memory: 1GiB" }, // else which says more, and is tried first, is chance
    args: LARGE_CONTEXT,
  });
  const first = await chat(gateway.url);
  equal(first.status, 200, first.error?.message);
  deepEqual(await usedEndpoints(gateway), bed.endpoints);
  const decision = first.headers.get("x-sollol-decision")!;
  match(decision, new RegExp(`${small.endpoint} had no room for 2\\d\\d\\.\\d MiB`));
  await gateway.stop();
  equal(gateway.program.logged("coordinator start retried").length, 1);
  await assertSurvived(small);
  await bed.assertNothingLeft();
});

test("an rpc backend that has less memory than it says, alone, is told with what to do; the next request costs no start", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using small = await startSmallBackend(programs);
  await using gateway = await bed.serve({ rpcBackends: [small.endpoint], args: LARGE_CONTEXT });
  for (const when of ["at first", "from then on"]) {
    const { answer, commands } = await chatAndWatch(bed, gateway);
    const { status, error } = answer;
    deepEqual([status, error!.code], [507, "insufficient_memory"], error!.message);
    match(error!.message, new RegExp(`${small.endpoint} had no room for 2\\d\\d\\.\\d MiB`));
    match(error!.message, new RegExp(`sollol register ${small.endpoint} --memory SIZE`));
    equal(commands.some(isCoordinator), when === "at first", when);
  }
  const registered = await fetch(`${gateway.url}/api/admin/rpc-backends`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ endpoint: small.endpoint, memory: "100MiB" }),
  });
  equal((await registered.json()).limits.memoryLimitBytes, 100 * MIB);
  const { error } = await chat(gateway.url);
  match(error!.message, /1 rpc backend has 100\.0 MiB free/);
  await gateway.stop();
  await assertSurvived(small);
  await bed.assertNothingLeft();
});

/** Its version is asked for, too. */
function isCoordinator(command: string): boolean {
  return command.includes("--rpc ");
}

/** A real rpc backend that reports all memory of this host, and may use little of it. */
async function startSmallBackend({ rpcServer }: RealPrograms): Promise<RealBackend> {
  const hostname = "127.0.0.9";
  const port = freePort(hostname);
  const process = await ChildProcess.spawn({
    program: "sh",
    args: [
      "-c",
      `ulimit -v ${ADDRESS_SPACE_KIB}; exec "$@"`,
      "sh",
      ...[rpcServer, "-H", hostname, "-p", String(port), "-t", "1"],
    ],
    ignoreSigpipe: true,
  });
  const backend = {
    endpoint: `${hostname}:${port}`,
    process,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
  await eventually("the small backend answers", async () => await verdictOf(backend) === "up");
  return backend;
}

async function verdictOf({ endpoint }: RealBackend): Promise<string> {
  return (await probe(parseEndpoint(endpoint), { timeoutMs: 500 })).verdict;
}

async function assertSurvived(backend: RealBackend): Promise<void> {
  equal(backend.process.isAlive, true);
  await eventually("it answers still", async () => await verdictOf(backend) === "up", 2_000);
}

async function usedEndpoints(gateway: ServedGateway): Promise<string[]> {
  const placement = await gateway.placement();
  return placement.devices.map(({ endpoint }) => endpoint);
}

/** Chats, and keeps every command that runs in the sandbox meanwhile. */
async function chatAndWatch(
  bed: GatewayBed,
  gateway: ServedGateway,
): Promise<{ answer: ChatAnswer; tookMs: number; commands: string[] }> {
  const commands = new Set<string>();
  const look = () => bed.sandbox.processes().forEach(({ command }) => commands.add(command));
  const startMs = performance.now();
  const timer = setInterval(look, 10);
  try {
    const answer = await chat(gateway.url);
    return { answer, tookMs: performance.now() - startMs, commands: [...commands] };
  } finally {
    clearInterval(timer);
  }
}
