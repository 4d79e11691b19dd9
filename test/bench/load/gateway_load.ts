/**
 * What the gateway costs, printed beside no proxy at all, a bare fetch proxy and nginx, all in one run.
 * Needs `wrk` and `nginx` (Debian: wrk, nginx-light). Bounded: about two minutes, loopback only.
 */
import { Table } from "console-table-printer";
import { setTimeout as delay } from "node:timers/promises";
import { cpuMs, residentKib } from "./process_stats.ts";
import { firstChunksMs, percentile, readStreams } from "./streams.ts";
import {
  REQUEST_BODY,
  startFetchProxy,
  startGateway,
  startNginx,
  startSseStub,
  type Target,
} from "./targets.ts";
import { runWrk, type WrkResult } from "./wrk.ts";

const PORT = {
  stub: 21_501,
  nginx: 21_502,
  sse: 21_503,
  fetch: 21_504,
  gateway: 21_505,
  fetchSse: 21_506,
  gatewaySse: 21_507,
};
const API_KEY = "load-test-key";
const CONNECTIONS = [1, 16, 64];
const SECONDS = 4;
const ROUNDS = 3;

async function main(): Promise<void> {
  for (const program of ["wrk", "nginx"]) {
    if (!await isInstalled(program)) {
      print(`SKIPPED: ${program} is missing; on Debian: apt-get install wrk nginx-light`);
      return;
    }
  }
  await using targets = new AsyncDisposableStack();
  const sse = targets.use(await startSseStub(PORT.sse));
  const nginx = targets.use(await startNginx(PORT.stub, PORT.nginx, PORT.sse));
  const fetchProxy = targets.use(await startFetchProxy(PORT.fetch, PORT.stub));
  const gateway = targets.use(await startGateway(PORT.gateway, PORT.stub, API_KEY));
  await delay(1_000);
  const idleKib = await residentKib(gateway.pid);
  const direct: Target = { ...nginx, name: "direct", url: `http://127.0.0.1:${PORT.stub}` };
  await measureSmallPosts([direct, fetchProxy, nginx, gateway]);

  const fetchSse = targets.use(await startFetchProxy(PORT.fetchSse, PORT.sse));
  const gatewaySse = targets.use(await startGateway(PORT.gatewaySse, PORT.sse, API_KEY));
  const nginxSse: Target = { ...nginx, url: `${nginx.url}/sse` };
  await measureStreams([{ ...sse, name: "direct" }, fetchSse, nginxSse, gatewaySse]);
  await measureIdleStreams([fetchSse, gatewaySse]);
  print(`sollol, idle after start: ${(idleKib / 1024).toFixed(0)} MiB resident`);
}

/** Rounds are interleaved, so that a machine that drifts is unfair to none; the median round counts. */
async function measureSmallPosts(targets: Target[]): Promise<void> {
  print(`Small POSTs, ${SECONDS} s a round, median of ${ROUNDS} rounds`);
  const table = new Table();
  for (const connections of CONNECTIONS) {
    const results = new Map<string, WrkResult[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const target of targets) {
        const result = await runWrk(chatUrl(target), {
          body: REQUEST_BODY,
          connections,
          seconds: SECONDS,
          apiKey: API_KEY,
        });
        results.set(target.name, [...results.get(target.name) ?? [], result]);
      }
    }
    const median = (name: string) =>
      results.get(name)!.toSorted((a, b) => a.requestsPerSecond - b.requestsPerSecond)[1]!;
    for (const { name } of targets) {
      const { requestsPerSecond, p50Us, p99Us, errorCount } = median(name);
      table.addRow({
        connections,
        target: name,
        "req/s": Math.round(requestsPerSecond),
        "x fetch": (requestsPerSecond / median("bare fetch proxy").requestsPerSecond).toFixed(2),
        "p50 ms": (p50Us / 1_000).toFixed(3),
        "added p50 ms": ((p50Us - median("direct").p50Us) / 1_000).toFixed(3),
        "p99 ms": (p99Us / 1_000).toFixed(2),
        errors: errorCount,
      });
    }
  }
  print(table.render());
}

async function measureStreams(targets: Target[]): Promise<void> {
  const load = { streamCount: 48, eventCount: 400, intervalMs: 5, apiKey: API_KEY };
  print(`${load.streamCount} streams, an event each ${load.intervalMs} ms`);
  const table = new Table();
  const single = new Map<string, number>();
  for (const target of targets) {
    await readStreams(chatUrl(target), { ...load, streamCount: 8, eventCount: 20 }); // warm up
    single.set(target.name, percentile(await firstChunksMs(chatUrl(target), API_KEY), 0.5));
    const before = await cpuMs(target.pid);
    const result = await readStreams(chatUrl(target), load);
    const usedMs = await cpuMs(target.pid) - before;
    table.addRow({
      target: target.name,
      "first chunk p50 ms": single.get(target.name)!.toFixed(2),
      "added ms": (single.get(target.name)! - single.get("direct")!).toFixed(2),
      "CPU us/chunk": (usedMs * 1_000 / result.eventCount).toFixed(0),
      "late p50 ms": percentile(result.lateMs, 0.5).toFixed(2),
      "late p99 ms": percentile(result.lateMs, 0.99).toFixed(2),
      events: result.eventCount,
      broken: result.brokenCount,
    });
  }
  print(table.render());
}

async function measureIdleStreams(targets: Target[]): Promise<void> {
  const streamCount = 1_000;
  const table = new Table();
  for (const target of targets) {
    const before = await residentKib(target.pid);
    const reading = readStreams(chatUrl(target), {
      streamCount,
      eventCount: 2,
      intervalMs: 6_000,
      apiKey: API_KEY,
    });
    await delay(4_000);
    const during = await residentKib(target.pid);
    const { brokenCount } = await reading;
    table.addRow({
      target: target.name,
      "idle streams": streamCount,
      "KiB a stream": ((during - before) / streamCount).toFixed(0),
      "resident MiB": (during / 1024).toFixed(0),
      broken: brokenCount,
    });
  }
  print(table.render());
}

function chatUrl({ url }: Target): string {
  return url.endsWith("/sse") ? url : `${url}/v1/chat/completions`;
}

async function isInstalled(program: string): Promise<boolean> {
  return (await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).output())
    .success;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main();
