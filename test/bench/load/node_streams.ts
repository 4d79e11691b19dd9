/**
 * 200 streams of 50 tokens a second at once, direct from an Ollama node and through the gateway, in turns: how late the
 * chunks come. About 75 s, loopback only.
 */
import { Table } from "console-table-printer";
import { setTimeout as delay } from "node:timers/promises";
import { parseUpstreamUrl, type UpstreamAddress } from "../../../lib/http/address.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { machineLoad, startNodeGateway, startStreamingNode } from "./node_targets.ts";
import { cpuMs } from "./process_stats.ts";
import { percentile } from "./streams.ts";
import type { Target } from "./targets.ts";

const PORT = { node: 21_521, gateway: 21_522 };
const API_KEY = "load-test-key";
const STREAM_COUNT = 200;
const EVENT_COUNT = 500;
const INTERVAL_MS = 20;
/** Streams begin spread over so long, so that their tokens do not come in step, ms. */
const OPENING_MS = 1_000;
const ROUNDS = 3;
/** How much later than direct a chunk may come, ms: 99 of 100. */
const LATE_LIMIT_MS = 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What came of a round. */
interface Round {
  /** How late each event was after the node sent it, ms, sorted. */
  readonly lateMs: readonly number[];
  /** Streams that ended without `[DONE]`. */
  readonly brokenCount: number;
  /** CPU time of whoever sent them. */
  readonly cpuUsPerEvent: number;
}

async function main(): Promise<void> {
  await using targets = new AsyncDisposableStack();
  const node = targets.use(await startStreamingNode(PORT.node));
  const options = { apiKey: API_KEY, slots: STREAM_COUNT };
  const gateway = targets.use(await startNodeGateway(PORT.gateway, [PORT.node], options));
  print(`${STREAM_COUNT} streams of ${1_000 / INTERVAL_MS} tokens/s, ${EVENT_COUNT} each; ${machineLoad()}`);
  for (const target of [node, gateway]) await measure(target, 100); // warm up
  const table = new Table();
  const beyondMs: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const direct = await measure(node, EVENT_COUNT);
    const through = await measure(gateway, EVENT_COUNT);
    table.addRow({ round, target: "direct", ...rowOf(direct, direct) });
    table.addRow({ round, target: "sollol", ...rowOf(through, direct) });
    beyondMs.push(percentile(through.lateMs, 0.99) - percentile(direct.lateMs, 0.99));
  }
  print(table.render());
  const medianMs = beyondMs.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
  print(
    `p99 beyond direct, median round: ${
      medianMs.toFixed(2)
    } ms, wanted below ${LATE_LIMIT_MS}; ${machineLoad()}`,
  );
  if (!(medianMs < LATE_LIMIT_MS)) Deno.exitCode = 1;
}

async function measure({ url, pid }: Target, eventCount: number): Promise<Round> {
  using http = new HttpClient();
  const { address } = parseUpstreamUrl(url);
  const lateMs: number[] = [];
  const beforeMs = await cpuMs(pid);
  const areWhole = await Promise.all(
    Array.from({ length: STREAM_COUNT }, async (_, at) => {
      await delay(at * OPENING_MS / STREAM_COUNT);
      return await readStream(http, address, eventCount, (late) => lateMs.push(late));
    }),
  );
  const cpuUsPerEvent = (await cpuMs(pid) - beforeMs) * 1_000 / lateMs.length;
  const brokenCount = areWhole.filter((isWhole) => !isWhole).length;
  return { lateMs: lateMs.sort((a, b) => a - b), brokenCount, cpuUsPerEvent };
}

/** Reads by our own client: fetch would take more time for a chunk than all that is to be measured. */
async function readStream(
  http: HttpClient,
  address: UpstreamAddress,
  eventCount: number,
  onEvent: (lateMs: number) => void,
): Promise<boolean> {
  const question = { model: "stub", stream: true, messages: [{ role: "user", content: "hi" }] };
  const pace = { x_count: eventCount, x_interval_ms: INTERVAL_MS };
  const { body } = await http.send(address, {
    method: "POST",
    target: "/v1/chat/completions",
    headers: [["authorization", `Bearer ${API_KEY}`], ["content-type", "application/json"]],
    body: encoder.encode(JSON.stringify({ ...question, ...pace })),
    fresh: true,
  });
  let isDone = false;
  for (let chunk = await body.read(); chunk !== null; chunk = await body.read()) {
    const nowMs = performance.timeOrigin + performance.now();
    const text = decoder.decode(chunk);
    for (const [, sentUs] of text.matchAll(/"sent_us":(\d+)/g)) onEvent(nowMs - Number(sentUs) / 1_000);
    isDone ||= text.includes("[DONE]");
  }
  return isDone;
}

function rowOf(
  { lateMs, brokenCount, cpuUsPerEvent }: Round,
  direct: Round,
): Record<string, string | number> {
  const late = (share: number) => percentile(lateMs, share);
  const beyond = (share: number) => (late(share) - percentile(direct.lateMs, share)).toFixed(2);
  return {
    "late p50 ms": late(0.5).toFixed(2),
    "late p99 ms": late(0.99).toFixed(2),
    "late max ms": late(1).toFixed(1),
    "beyond direct p50": beyond(0.5),
    "beyond p99": beyond(0.99),
    "beyond max": beyond(1),
    "CPU us/chunk": cpuUsPerEvent.toFixed(0),
    events: lateMs.length,
    broken: brokenCount,
  };
}

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

if (import.meta.main) await main();
