/** What 1,000 streams hold that nobody speaks in, by how their clients are answered. About a minute, loopback only. */
import { Table } from "console-table-printer";
import { setTimeout as delay } from "node:timers/promises";
import { openStreams, startLlamaStub } from "./client_targets.ts";
import { residentKib } from "./process_stats.ts";
import { startFetchProxy, startGateway, type Target } from "./targets.ts";

const PORT = { paused: 21_541, silent: 21_542, target: 21_543 };
const API_KEY = "load-test-key";
const STREAM_COUNT = 1_000;
const WARM_UP_COUNT = 20;
/** Longer than all of it takes, ms. */
const LONG_MS = 600_000;
/** What a stream may hold, KiB. */
const LIMIT_KIB = 190;

/** A stream that nobody speaks in. */
interface IdleStream {
  readonly name: string;
  readonly path: string;
  readonly start: () => Promise<Target>;
}

const gateway = (upstreamPort: number) => () =>
  startGateway(PORT.target, upstreamPort, API_KEY, { waiting: { notes: true } });

const STREAMS: readonly IdleStream[] = [
  {
    name: "bare fetch proxy",
    path: "/v1/chat/completions",
    start: () => startFetchProxy(PORT.target, PORT.paused),
  },
  { name: "passed", path: "/v1/chat/completions", start: gateway(PORT.paused) },
  { name: "translated", path: "/api/chat", start: gateway(PORT.paused) },
  { name: "mended", path: "/v1/messages", start: gateway(PORT.paused) },
  { name: "waiting", path: "/api/chat", start: gateway(PORT.silent) },
];

async function main(): Promise<void> {
  await using upstreams = new AsyncDisposableStack();
  const pace = { pieceCount: 2, intervalMs: LONG_MS };
  upstreams.use(await startLlamaStub(PORT.paused, { ...pace, firstMs: 0 }));
  upstreams.use(await startLlamaStub(PORT.silent, { ...pace, firstMs: LONG_MS }));
  const table = new Table();
  for (const { name, path, start } of STREAMS) {
    const kib = await kibPerStream(path, start);
    table.addRow({
      streams: STREAM_COUNT,
      path,
      name,
      "KiB a stream": kib.toFixed(0),
      wanted: `< ${LIMIT_KIB}`,
    });
    if (name !== "bare fetch proxy" && !(kib < LIMIT_KIB)) Deno.exitCode = 1;
  }
  print(table.render());
}

async function kibPerStream(path: string, start: () => Promise<Target>): Promise<number> {
  await using target = await start();
  const leaving = new AbortController();
  const { signal } = leaving;
  const url = `${target.url}${path}`;
  await openStreams(url, { streamCount: WARM_UP_COUNT, apiKey: API_KEY, signal });
  const beforeKib = await residentKib(target.pid);
  await openStreams(url, { streamCount: STREAM_COUNT, apiKey: API_KEY, signal });
  await delay(1_000);
  const duringKib = await residentKib(target.pid);
  leaving.abort();
  return (duringKib - beforeKib) / STREAM_COUNT;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main();
