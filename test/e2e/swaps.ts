/**
 * Two models under 32 clients, each of which asks again as soon as it has its answer, on one rpc backend that holds one
 * of them at a time. Prints how often they were swapped, beside what the batching rule allows.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ask, countEnds, type Reply } from "./ask.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { numberArgument, print, seconds } from "./figures.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const MODELS = ["tiny", "other"] as const;
const CLIENTS_PER_MODEL = 16;
const TOKEN_COUNT = 8;

/** How long, and how patient. */
export interface SwapOptions {
  /** For how long clients begin requests, ms. */
  readonly durationMs: number;
  /** `pool.swap_wait`, ms. */
  readonly swapWaitMs: number;
}

/** What became of it. */
export interface SwapResult {
  readonly replies: readonly Reply[];
  /** How often one model took the place of the other. */
  readonly swapCount: number;
  /** The most that the batching rule allows. */
  readonly swapLimit: number;
  /** From the first request to the last answer. */
  readonly tookMs: number;
}

/** Lets both models' clients compete for the one rpc backend. */
export async function compete(programs: RealPrograms, options: SwapOptions): Promise<SwapResult> {
  const { durationMs, swapWaitMs } = options;
  await using bed = await GatewayBed.create(programs, { backendCount: 1, models: MODELS });
  await using gateway = await bed.serve({ settings: { "pool.swap_wait": `${swapWaitMs}ms` } });
  const replies: Reply[] = [];
  const startMs = performance.now();
  const client = async (model: string, stream: boolean) => {
    while (performance.now() - startMs < durationMs) {
      const reply = await ask(gateway.url, { model, stream, maxTokens: TOKEN_COUNT });
      replies.push(reply);
      if (reply.end !== "whole") await delay(100); // a refusal is no reason to hurry
    }
  };
  await Promise.all(
    MODELS.flatMap((model) =>
      Array.from({ length: CLIENTS_PER_MODEL }, (_, index) => client(model, index % 2 === 0))
    ),
  );
  const tookMs = performance.now() - startMs;
  await gateway.stop();
  await bed.assertNothingLeft();
  return {
    replies,
    swapCount: gateway.loads.length - 1,
    // A model is left in its place for swap_wait from the moment that another waits for it, which here is always.
    swapLimit: Math.ceil(tookMs / swapWaitMs) + 1,
    tookMs,
  };
}

/** How many whole answers each model gave. */
export function answersByModel(replies: readonly Reply[]): Record<string, number> {
  const countOf = (name: string) =>
    replies.filter(({ model, end }) => model === name && end === "whole").length;
  return Object.fromEntries(MODELS.map((model) => [model, countOf(model)]));
}

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const durationMs = 1_000 * numberArgument("seconds", 60);
  const swapWaitMs = 1_000 * numberArgument("swap-wait", 5);
  const { replies, swapCount, swapLimit, tookMs } = await compete(programs, { durationMs, swapWaitMs });
  print(`${2 * CLIENTS_PER_MODEL} clients for ${seconds(tookMs)}, swap_wait ${seconds(swapWaitMs)}`);
  print(
    `ends ${JSON.stringify(countEnds(replies))}, answers by model ${JSON.stringify(answersByModel(replies))}`,
  );
  print(`swaps ${swapCount}, allowed ${swapLimit}`);
  print(`longest wait ${seconds(Math.max(...replies.map((reply) => reply.tookMs)))}`);
  if (swapCount > swapLimit || replies.some(({ end }) => end !== "whole")) Deno.exitCode = 1;
}

if (import.meta.main) await main();
