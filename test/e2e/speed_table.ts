/**
 * What a swap of models and a recovery take, beside a bare llama-server that does the same by hand, in the same run.
 *
 *     deno task speed [--rounds 12] [--large]
 */
import { ask } from "./ask.ts";
import { BareServer } from "./bare_server.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { FaultBed, type FaultPreset, LARGE, SMALL } from "./fault_bed.ts";
import { FAULTS } from "./faults.ts";
import { median, numberArgument, print, spread } from "./figures.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { ShelfBackend } from "./shelf.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const MODELS = ["tiny", "other"] as const;
const MOST_SWAP_MS = 150;
const MOST_RECOVERY_MS = 1_000;

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const rounds = numberArgument("rounds", 12);
  print(`${rounds} rounds each, ours and bare in turn; ms, least / middle / greatest`);
  await compareSwaps(programs, rounds);
  await compareRecoveries(programs, rounds, "2.6 MB model", SMALL);
  if (Deno.args.includes("--large")) await compareRecoveries(programs, rounds, "242 MiB model", LARGE);
}

/** From a request for the model that is not loaded to its answer of one token. */
async function compareSwaps(programs: RealPrograms, rounds: number): Promise<void> {
  await using bed = await GatewayBed.create(programs, { backendCount: 1, models: MODELS });
  await using gateway = await bed.serve();
  await using other = await ShelfBackend.start(programs.rpcServer, "127.0.0.12");
  await using first = await copyOf(gateway, MODELS[0], other, bed.sandbox.directory);
  await using second = await copyOf(gateway, MODELS[1], other, bed.sandbox.directory);
  const [ours, bare]: [number[], number[]] = [[], []];
  await first.start();
  for (let round = 0; round < rounds; round++) {
    ours.push(await timed(() => askOnce(gateway, MODELS[round % 2]!)));
    const [before, after] = round % 2 === 0 ? [first, second] : [second, first];
    bare.push(await timed(() => swapByHand(before, after)));
  }
  await gateway.stop();
  printDifference("swap of two small models", ours, bare, MOST_SWAP_MS);
}

async function copyOf(
  gateway: ServedGateway,
  model: string,
  backend: ShelfBackend,
  directory: string,
): Promise<BareServer> {
  await askOnce(gateway, model);
  return await BareServer.copyOf((await gateway.coordinatorOf(model)).pid!, [backend.endpoint], directory);
}

async function askOnce(gateway: ServedGateway, model: string): Promise<void> {
  const { end, error } = await ask(gateway.url, { model, stream: false, maxTokens: 1 });
  if (end !== "whole") throw new Error(`${model} did not answer: ${error?.message}`);
}

async function swapByHand(before: BareServer, after: BareServer): Promise<void> {
  await before.stop();
  await after.start();
  await after.answer();
}

/** From the kill of an rpc backend amid answers to a coordinator that is ready, beside what the load alone takes. */
async function compareRecoveries(
  programs: RealPrograms,
  rounds: number,
  name: string,
  preset: FaultPreset,
): Promise<void> {
  await using bed = await FaultBed.create(programs, preset);
  await bed.serve();
  await bed.warmUp();
  await using one = await ShelfBackend.start(programs.rpcServer, "127.0.0.12");
  await using two = await ShelfBackend.start(programs.rpcServer, "127.0.0.13");
  const directory = await Deno.makeTempDir({ prefix: "sollol-speed-" });
  await using _cleanup = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const endpoints = [one.endpoint, two.endpoint];
  await using server = await BareServer.copyOf(await bed.coordinatorPid(), endpoints, directory);
  const kill = FAULTS.find((fault) => fault.name === "backend SIGKILL, generating")!;
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push((await kill.run(bed)).recoveredMs);
    bare.push(await timed(() => server.start()));
    await server.stop();
  }
  await bed.stop();
  printDifference(`recovery of a ${name}`, ours, bare, MOST_RECOVERY_MS);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function printDifference(
  what: string,
  ours: readonly number[],
  bare: readonly number[],
  mostMs: number,
): void {
  const differenceMs = median(ours) - median(bare);
  const sign = differenceMs < 0 ? "" : "+";
  print(
    `${what}: ours ${spread(ours)}, bare ${spread(bare)}: ${sign}${
      Math.round(differenceMs)
    } (most +${mostMs})`,
  );
  if (differenceMs > mostMs) Deno.exitCode = 1;
}

if (import.meta.main) await main();
