/**
 * Three Ollama nodes under 32 clients, of which one begins to answer 500 to all that needs a model, faster than the others
 * answer at all; its checks are fine. Prints its share of what the nodes were asked, second by second.
 *
 *     deno task failing-node [--seconds 20] [--clients 32]
 */
import { setTimeout as delay } from "node:timers/promises";
import { fakeAnswer } from "../fakes/fake_ollama_answer.ts";
import { numberArgument, print, seconds } from "./figures.ts";
import { NODE_NAMES, NodeBed } from "./node_bed.ts";
import { countBy, keepAsking, type Outcome } from "./node_clients.ts";
import type { NodeProcess } from "./node_process.ts";

const SLOT_COUNT = 16;
const WINDOW_MS = 1_000;
/** Before it begins to fail. */
const SOUND_MS = 2_000;
const PACE = { parallel: SLOT_COUNT, tokensPerSecond: 200, firstTokenMs: 20, answer: fakeAnswer(8) };
/** Share of what is asked that a failing node may have, once it is known. */
export const SHARE_LIMIT = 0.02;
/** How soon it has to be known. */
export const SHARE_WITHIN_MS = 5_000;

/** What came to the nodes in one window. */
export interface ShareWindow {
  /** When it ended, after the node began to fail, ms; below 0 before that. */
  readonly untilMs: number;
  /** Requests that came to the node that fails, and to all. */
  readonly failingCount: number;
  readonly askedCount: number;
}

/** What became of it. */
export interface FailingResult {
  readonly outcomes: readonly Outcome[];
  readonly windows: readonly ShareWindow[];
}

/** Has the first of three nodes fail while clients ask, for so long, ms. */
export async function failOne(
  { clientCount, failingMs }: { clientCount: number; failingMs: number },
): Promise<FailingResult> {
  await using bed = await NodeBed.create([PACE, PACE, PACE]);
  await using gateway = await bed.serve({ ollama_nodes: bed.entries({ slots: SLOT_COUNT }) });
  await gateway.untilUp(NODE_NAMES.slice(0, 3));
  const asking = keepAsking(gateway.url, { clientCount, durationMs: SOUND_MS + failingMs, maxTokens: 8 });
  const windows = await watchShares(bed.nodes, failingMs);
  const outcomes = await asking;
  await gateway.stop();
  return { outcomes, windows };
}

async function watchShares(nodes: readonly NodeProcess[], failingMs: number): Promise<ShareWindow[]> {
  const windows: ShareWindow[] = [];
  const failsAtMs = performance.now() + SOUND_MS;
  let before = await askedOf(nodes);
  for (let untilMs = WINDOW_MS - SOUND_MS; untilMs <= failingMs; untilMs += WINDOW_MS) {
    await delay(failsAtMs + untilMs - performance.now());
    const now = await askedOf(nodes);
    const counts = now.map((count, at) => count - before[at]!);
    before = now;
    windows.push({
      untilMs,
      failingCount: counts[0]!,
      askedCount: counts.reduce((sum, count) => sum + count, 0),
    });
    if (untilMs === 0) await nodes[0]!.behave("error_500");
  }
  return windows;
}

function askedOf(nodes: readonly NodeProcess[]): Promise<number[]> {
  return Promise.all(nodes.map((node) => node.askedCount()));
}

/** The share of the node that fails, 0 to 1. */
export function shareOf({ failingCount, askedCount }: ShareWindow): number {
  return failingCount / askedCount;
}

/** The windows in which it must have been known. */
export function lateWindows(windows: readonly ShareWindow[]): ShareWindow[] {
  return windows.filter(({ untilMs }) => untilMs - WINDOW_MS >= SHARE_WITHIN_MS);
}

async function main(): Promise<void> {
  const failingMs = 1_000 * numberArgument("seconds", 20);
  const clientCount = numberArgument("clients", 32);
  const { outcomes, windows } = await failOne({ clientCount, failingMs });
  print(`${clientCount} clients; the node fails from 0 s on`);
  for (const window of windows) {
    const { untilMs, failingCount, askedCount } = window;
    const share = `${(100 * shareOf(window)).toFixed(2)} %`.padStart(8);
    print(`    until ${seconds(untilMs).padStart(6)}: ${share}, ${failingCount} of ${askedCount} attempts`);
  }
  print(`ends ${JSON.stringify(countBy(outcomes, ({ end }) => end))}`);
  const failed = outcomes.filter(({ end }) => end !== "whole");
  for (const trouble of new Set(failed.map(({ turn, trouble }) => `${turn}: ${trouble}`))) {
    print(`    ${trouble}`);
  }
  const isAttracting = lateWindows(windows).some((window) => shareOf(window) >= SHARE_LIMIT);
  if (failed.length > 0 || isAttracting) Deno.exitCode = 1;
}

if (import.meta.main) await main();
