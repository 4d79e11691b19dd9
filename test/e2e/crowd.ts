/** 100 clients at once, half of them with streams, ask for a model that is not loaded. Prints what they got. */
import { ask, countEnds, type Reply } from "./ask.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { numberArgument, print, seconds, spread } from "./figures.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const TOKEN_COUNT = 16;

/** What became of a crowd. */
export interface CrowdResult {
  readonly replies: readonly Reply[];
  /** Coordinators that became ready. */
  readonly loadCount: number;
}

/** Lets so many clients ask for a cold model at once. */
export async function rush(programs: RealPrograms, clientCount: number): Promise<CrowdResult> {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  const replies = await Promise.all(
    Array.from(
      { length: clientCount },
      (_, index) => ask(gateway.url, { stream: index % 2 === 0, maxTokens: TOKEN_COUNT }),
    ),
  );
  await gateway.stop();
  await bed.assertNothingLeft();
  return { replies, loadCount: gateway.loads.length };
}

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const clientCount = numberArgument("clients", 100);
  const { replies, loadCount } = await rush(programs, clientCount);
  const tookMs = replies.map((reply) => reply.tookMs);
  print(`clients ${clientCount}, loads ${loadCount}, ends ${JSON.stringify(countEnds(replies))}`);
  print(`from request to end, ms, least / middle / longest: ${spread(tookMs)}`);
  print(`longest wait ${seconds(Math.max(...tookMs))}, of which the load ${seconds(replies[0]!.loadMs)}`);
  if (loadCount !== 1 || replies.some(({ end }) => end !== "whole")) Deno.exitCode = 1;
}

if (import.meta.main) await main();
