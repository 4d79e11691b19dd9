/**
 * What the gateway costs before Ollama nodes, printed beside no proxy at all and nginx, all in one run. Needs `wrk` and
 * `nginx` (Debian: wrk, nginx-light). About 80 s, loopback only.
 */
import { Table } from "console-table-printer";
import { setTimeout as delay } from "node:timers/promises";
import { cpuMs } from "./process_stats.ts";
import { machineLoad, NODE_REQUEST_BODY, startNginxNodes, startNodeGateway } from "./node_targets.ts";
import type { Target } from "./targets.ts";
import { runWrk, type WrkResult } from "./wrk.ts";

const NODE_PORTS = [21_511, 21_512, 21_513];
const PORT = { nginx: 21_514, gateway: 21_515 };
const API_KEY = "load-test-key";
const CONNECTIONS = [1, 16];
const SECONDS = 4;
const ROUNDS = 3;
/** What a warm request may cost more than a direct one, at one connection, ms. */
const ADDED_LIMIT_MS = 0.5;

/** One round of one target. */
interface Round extends WrkResult {
  /** CPU time of the target for each request, µs. */
  readonly cpuUs: number;
}

async function main(): Promise<void> {
  for (const program of ["wrk", "nginx"]) {
    if (await isInstalled(program)) continue;
    return print(`SKIPPED: ${program} is missing; on Debian: apt-get install wrk nginx-light`);
  }
  await using targets = new AsyncDisposableStack();
  const nginx = targets.use(await startNginxNodes(NODE_PORTS, PORT.nginx));
  const options = { apiKey: API_KEY, slots: 64 };
  const gateway = targets.use(await startNodeGateway(PORT.gateway, NODE_PORTS, options));
  const direct: Target = { ...nginx, name: "direct", url: `http://127.0.0.1:${NODE_PORTS[0]}` };
  await delay(1_000);
  print(
    `Small POSTs over ${NODE_PORTS.length} nodes, ${SECONDS} s a round, median of ${ROUNDS} rounds; ${machineLoad()}`,
  );
  for (const target of [direct, nginx, gateway]) await run(target, 16); // warm up
  const table = new Table();
  let addedMs = NaN;
  for (const connections of CONNECTIONS) {
    const median = await measure([direct, nginx, gateway], connections);
    for (const { name } of [direct, nginx, gateway]) table.addRow(rowOf(name, connections, median));
    if (connections === 1) addedMs = (median("sollol").p50Us - median("direct").p50Us) / 1_000;
  }
  print(table.render());
  print(
    `added p50 on a warm request at 1 connection: ${
      addedMs.toFixed(3)
    } ms, wanted below ${ADDED_LIMIT_MS}; ${machineLoad()}`,
  );
  if (!(addedMs < ADDED_LIMIT_MS)) Deno.exitCode = 1;
}

/** Rounds are interleaved, so that a machine that drifts is unfair to none; the median round counts. */
async function measure(targets: readonly Target[], connections: number): Promise<(name: string) => Round> {
  const rounds = new Map<string, Round[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of targets) {
      const beforeMs = await cpuMs(target.pid);
      const result = await run(target, connections);
      const usedUs = (await cpuMs(target.pid) - beforeMs) * 1_000;
      const cpuUs = usedUs / (result.requestsPerSecond * SECONDS);
      rounds.set(target.name, [...rounds.get(target.name) ?? [], { ...result, cpuUs }]);
    }
  }
  return (name) =>
    rounds.get(name)!.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond)[ROUNDS >> 1]!;
}

function run({ url }: Target, connections: number): Promise<WrkResult> {
  const load = { body: NODE_REQUEST_BODY, connections, seconds: SECONDS, apiKey: API_KEY };
  return runWrk(`${url}/v1/chat/completions`, load);
}

function rowOf(
  name: string,
  connections: number,
  median: (name: string) => Round,
): Record<string, string | number> {
  const { requestsPerSecond, p50Us, p99Us, errorCount, cpuUs } = median(name);
  return {
    connections,
    target: name,
    "req/s": Math.round(requestsPerSecond),
    "x nginx": (requestsPerSecond / median("nginx").requestsPerSecond).toFixed(2),
    "p50 ms": (p50Us / 1_000).toFixed(3),
    "added p50 ms": ((p50Us - median("direct").p50Us) / 1_000).toFixed(3),
    "p99 ms": (p99Us / 1_000).toFixed(2),
    "CPU us/req": name === "sollol" ? cpuUs.toFixed(0) : "-", // nginx is node and proxy in one process
    errors: errorCount,
  };
}

async function isInstalled(program: string): Promise<boolean> {
  const found = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" })
    .output();
  return found.success;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main();
