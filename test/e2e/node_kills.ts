/**
 * Three Ollama nodes under 64 clients, of which one is killed every 10 s and comes back. Prints how the requests ended,
 * how the nodes shared them, and how soon a node that came back was asked again.
 *
 *     deno task nodes [--seconds 60] [--clients 64]
 */
import { setTimeout as delay } from "node:timers/promises";
import { fakeAnswer } from "../fakes/fake_ollama_answer.ts";
import { numberArgument, print, seconds, spread } from "./figures.ts";
import { NODE_NAMES, NodeBed } from "./node_bed.ts";
import { countBy, keepAsking, type Outcome } from "./node_clients.ts";
import type { NodeProcess } from "./node_process.ts";

const NODE_COUNT = 3;
const SLOT_COUNT = 8;
const TOKEN_COUNT = 24;
/** From a death to the return. */
const AWAY_MS = 4_000;
/** How soon a node has to be asked again after its return. */
export const RETURN_LIMIT_MS = 5_000;
const PACE = { parallel: SLOT_COUNT, tokensPerSecond: 100, firstTokenMs: 30, answer: fakeAnswer(64) };

/** How long, and how rough. */
export interface KillOptions {
  readonly clientCount: number;
  /** For how long clients begin requests, ms. */
  readonly durationMs: number;
  /** From the start to the first death and from each to the next, ms. */
  readonly killEveryMs: number;
  readonly killCount: number;
}

/** What became of it. */
export interface KillResult {
  readonly outcomes: readonly Outcome[];
  /** From each return to the first request that came, by node. */
  readonly returns: readonly { readonly name: string; readonly returnMs: number }[];
}

/** Kills one node after the other while clients ask. */
export async function killInTurn(options: KillOptions): Promise<KillResult> {
  const { clientCount, durationMs, killEveryMs, killCount } = options;
  await using bed = await NodeBed.create(Array.from({ length: NODE_COUNT }, () => PACE));
  await using gateway = await bed.serve({ ollama_nodes: bed.entries({ slots: SLOT_COUNT }) });
  await gateway.untilUp(NODE_NAMES.slice(0, NODE_COUNT));
  const asking = keepAsking(gateway.url, { clientCount, durationMs, maxTokens: TOKEN_COUNT });
  const returns = Array.from({ length: killCount }, async (_, at) => {
    const node = bed.nodes[at % NODE_COUNT]!;
    await delay(killEveryMs * (at + 1));
    await node.kill();
    await delay(AWAY_MS);
    await node.revive();
    return { name: NODE_NAMES[at % NODE_COUNT]!, returnMs: await untilAsked(node) };
  });
  const [outcomes, ...returned] = await Promise.all([asking, ...returns]);
  await gateway.stop();
  return { outcomes, returns: returned };
}

/** @returns How long that took, ms; `Infinity` if it was in vain. */
async function untilAsked(node: NodeProcess): Promise<number> {
  const sinceMs = performance.now();
  while (await node.askedCount() === 0) {
    if (performance.now() - sinceMs > 2 * RETURN_LIMIT_MS) return Infinity;
    await delay(10);
  }
  return performance.now() - sinceMs;
}

async function main(): Promise<void> {
  const durationMs = 1_000 * numberArgument("seconds", 60);
  const clientCount = numberArgument("clients", 64);
  const killEveryMs = 10_000;
  const killCount = Math.max(1, Math.floor(durationMs / killEveryMs) - 1);
  const { outcomes, returns } = await killInTurn({ clientCount, durationMs, killEveryMs, killCount });
  const whole = outcomes.filter(({ end }) => end === "whole");
  print(
    `${clientCount} clients for ${
      seconds(durationMs)
    }, ${killCount} nodes killed: ${outcomes.length} requests`,
  );
  print(
    `ends ${JSON.stringify(countBy(outcomes, ({ end }) => end))}, kinds ${
      JSON.stringify(countBy(outcomes, ({ turn }) => turn))
    }`,
  );
  print(`asked more than once ${whole.filter(({ attemptCount }) => attemptCount > 1).length}`);
  for (const [name, count] of Object.entries(countBy(whole, ({ upstream }) => upstream))) {
    print(
      `    ${name.padEnd(8)} ${(100 * count! / whole.length).toFixed(1).padStart(5)} % of the whole answers`,
    );
  }
  for (const { name, returnMs } of returns) {
    print(`    ${name.padEnd(8)} asked again after ${seconds(returnMs)}`);
  }
  print(`from request to end, ms, least / middle / longest: ${spread(outcomes.map(({ tookMs }) => tookMs))}`);
  const failed = outcomes.filter(({ end }) => end === "failed");
  for (const trouble of new Set(failed.map(({ turn, trouble }) => `${turn}: ${trouble}`))) {
    print(`    ${trouble}`);
  }
  if (failed.length > 0 || returns.some(({ returnMs }) => returnMs > RETURN_LIMIT_MS)) Deno.exitCode = 1;
}

if (import.meta.main) await main();
