/**
 * How long normal requests take beside clients that hold connections and ask nothing, with the limits that the gateway
 * has by default. Needs `nginx` (Debian: nginx-light). About 40 s, loopback only.
 */
import { Table } from "console-table-printer";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { machineLoad, NODE_REQUEST_BODY, startNginxNodes, startNodeGateway } from "./node_targets.ts";
import { percentile } from "./streams.ts";
import type { Target } from "./targets.ts";

const NODE_PORTS = [21_561, 21_562];
const PORT = { nginx: 21_563, gateway: 21_564 };
const API_KEY = "load-test-key";
/** Requests that are under way at a time, and the pause between two of one client. */
const CLIENT_COUNT = 4;
const PAUSE_MS = 5;
const SECONDS = 6;
/** What others may add to a normal request. */
const WANTED_RATIO = 2;

/** Heads that never end, a byte a second, and connections that are kept after one request. */
const SLOW_COUNT = 500;
const IDLE_COUNT = 2_000;
const BYTE_EVERY_MS = 1_000;
/** So many connect at a time. */
const CONNECTING_COUNT = 50;

const ONE_ADDRESS = ["127.0.0.2"];
const ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];

/** How long requests took. */
interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
  readonly failedCount: number;
}

async function main(): Promise<void> {
  const found = await new Deno.Command("sh", { args: ["-c", "command -v nginx"], stdout: "null" }).output();
  if (!found.success) return print("SKIPPED: nginx is missing; on Debian: apt-get install nginx-light");
  await using targets = new AsyncDisposableStack();
  targets.use(await startNginxNodes(NODE_PORTS, PORT.nginx));
  const gateway = targets.use(
    await startNodeGateway(PORT.gateway, NODE_PORTS, { apiKey: API_KEY, slots: 64 }),
  );
  await measure(gateway, 3); // warm up
  const table = new Table();
  const alone = await measure(gateway, SECONDS);
  table.addRow(await rowOf("alone", gateway, alone, alone));
  for (const addresses of [ONE_ADDRESS, ADDRESSES]) {
    const attack = await startAttack(addresses);
    const beside = await measure(gateway, SECONDS);
    const from = `${SLOW_COUNT} slow, ${IDLE_COUNT} idle from ${addresses.length} address${
      addresses[1] ? "es" : ""
    }`;
    table.addRow(await rowOf(from, gateway, beside, alone));
    await attack[Symbol.asyncDispose]();
    const isGood = beside.failedCount === 0 && beside.p50Ms < WANTED_RATIO * alone.p50Ms &&
      beside.p99Ms < WANTED_RATIO * alone.p99Ms;
    if (!isGood) Deno.exitCode = 1;
    await delay(1_000);
  }
  print(table.render());
  print(`wanted: none failed, x p50 and x p99 below ${WANTED_RATIO}; ${machineLoad()}`);
}

async function rowOf(
  name: string,
  { pid }: Target,
  { p50Ms, p99Ms, count, failedCount }: Latency,
  alone: Latency,
) {
  return {
    beside: name,
    requests: count,
    failed: failedCount,
    "p50 ms": p50Ms.toFixed(2),
    "x p50": (p50Ms / alone.p50Ms).toFixed(2),
    "p99 ms": p99Ms.toFixed(2),
    "x p99": (p99Ms / alone.p99Ms).toFixed(2),
    "gateway's sockets": await socketCountOf(pid),
  };
}

async function socketCountOf(pid: number): Promise<number> {
  const links = await Array.fromAsync(
    Deno.readDir(`/proc/${pid}/fd`),
    ({ name }) => Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => ""),
  );
  return links.filter((link) => link.startsWith("socket:")).length;
}

async function measure({ url }: Target, seconds: number): Promise<Latency> {
  const tookMs: number[] = [];
  let failedCount = 0;
  const untilMs = performance.now() + seconds * 1_000;
  const init = {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${API_KEY}` },
    body: NODE_REQUEST_BODY,
  };
  await Promise.all(Array.from({ length: CLIENT_COUNT }, async () => {
    while (performance.now() < untilMs) {
      const startMs = performance.now();
      const isAnswered = await fetch(`${url}/v1/chat/completions`, init).then(
        async (response) => await response.text() !== "" && response.ok,
        () => false,
      );
      if (isAnswered) tookMs.push(performance.now() - startMs);
      else failedCount++;
      await delay(PAUSE_MS);
    }
  }));
  tookMs.sort((a, b) => a - b);
  return {
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    count: tookMs.length,
    failedCount,
  };
}

/** In a process of its own, so that its work does not delay who measures. Resolves once all have connected. */
async function startAttack(addresses: readonly string[]): Promise<AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", fileURLToPath(import.meta.url), ...addresses],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read(); // it says one line
  reader.releaseLock();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.stdout.cancel();
      await child.status;
    },
  };
}

/** Connects from each of the addresses in turn, and holds what it has until it is killed. */
async function attack(addresses: readonly string[]): Promise<void> {
  let left = SLOW_COUNT + IDLE_COUNT;
  await Promise.all(Array.from({ length: CONNECTING_COUNT }, async () => {
    while (left > 0) {
      const index = --left;
      const address = addresses[index % addresses.length]!;
      if (index < SLOW_COUNT) void beSlow(address);
      else await beIdle(address);
      await delay(1);
    }
  }));
  print("ready");
  await new Promise(() => {});
}

/** Again and again, since it is closed for it. */
async function beSlow(address: string): Promise<never> {
  for (;;) {
    const socket = open(address);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    while (!socket.destroyed && socket.writable) {
      await delay(BYTE_EVERY_MS);
      socket.write("x");
    }
    await delay(BYTE_EVERY_MS);
  }
}

/** Resolves when its one request is answered, or it could not be asked. */
async function beIdle(address: string): Promise<void> {
  const socket = open(address);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("data", () => resolve());
  socket.once("close", () => resolve());
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await promise;
}

function open(localAddress: string): Socket {
  const socket = connect({ host: "127.0.0.1", port: PORT.gateway, localAddress });
  socket.on("error", () => {}); // it is closed then
  return socket;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await (Deno.args.length > 0 ? attack(Deno.args) : main());
