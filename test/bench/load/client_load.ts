/**
 * What a piece of a streamed answer costs the gateway before a llama-server, by how its client is answered, beside a bare
 * fetch proxy in the same run. About 70 s, loopback only.
 */
import { Table } from "console-table-printer";
import { readPieces, startLlamaStub } from "./client_targets.ts";
import { machineLoad } from "./node_targets.ts";
import { cpuMs } from "./process_stats.ts";
import { startFetchProxy, startGateway, type Target } from "./targets.ts";

const PORT = { stub: 21_531, fetch: 21_532, gateway: 21_533 };
const API_KEY = "load-test-key";
const PACE = { pieceCount: 200, intervalMs: 10, firstMs: 0 };
const STREAM_COUNT = 32;
const ROUNDS = 5;

/** Whoever answers, and the way that an answer takes there. */
interface Road {
  readonly target: Target;
  readonly path: string;
  readonly way: string;
}

async function main(): Promise<void> {
  await using targets = new AsyncDisposableStack();
  targets.use(await startLlamaStub(PORT.stub, PACE));
  const fetchProxy = targets.use(await startFetchProxy(PORT.fetch, PORT.stub));
  const gateway = targets.use(await startGateway(PORT.gateway, PORT.stub, API_KEY));
  const bare: Road = { target: fetchProxy, path: "/v1/chat/completions", way: "passed, not watched" };
  const roads: readonly Road[] = [
    bare,
    { target: gateway, path: "/v1/chat/completions", way: "passed, model renamed" },
    { target: gateway, path: "/api/chat", way: "translated" },
    { target: gateway, path: "/v1/messages", way: "passed, mended" },
  ];
  print(`${STREAM_COUNT} streams, a piece each ${PACE.intervalMs} ms; ${machineLoad()}`);
  for (const road of roads) await cpuUsPerPiece(road, 8); // warm up
  const rounds = new Map<Road, number[]>(roads.map((road) => [road, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const road of roads) rounds.get(road)!.push(await cpuUsPerPiece(road, STREAM_COUNT));
  }
  const least = (road: Road) => Math.min(...rounds.get(road)!);
  const table = new Table();
  for (const road of roads) {
    table.addRow({
      target: road.target.name,
      path: road.path,
      answer: road.way,
      "CPU us/piece": least(road).toFixed(0),
      "x fetch": (least(road) / least(bare)).toFixed(2),
    });
  }
  print(table.render());
  print(`The least of ${ROUNDS} rounds, taken in turns; ${machineLoad()}`);
}

/** All that it takes to get a piece through, the head of each answer included. */
async function cpuUsPerPiece({ target, path }: Road, streamCount: number): Promise<number> {
  const beforeMs = await cpuMs(target.pid);
  const pieceCount = await readPieces(`${target.url}${path}`, { streamCount, apiKey: API_KEY });
  const wanted = streamCount * PACE.pieceCount;
  if (pieceCount !== wanted) throw new Error(`${path} gave ${pieceCount} pieces of ${wanted}`);
  return (await cpuMs(target.pid) - beforeMs) * 1_000 / pieceCount;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main();
