/**
 * Kills and freezes rpc backends, coordinators and the gateway, each many times, and prints what became of it.
 *
 *     deno task faults [--times 20] [--only "backend SIGKILL"] [--large]
 */
import { FaultBed, LARGE, SMALL } from "./fault_bed.ts";
import { countToll } from "./fault_toll.ts";
import { type Damage, type Fault, FAULTS } from "./faults.ts";
import { numberArgument, print, spread } from "./figures.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const COLUMNS = [38, 4, 22, 7, 8, 5, 6, 6, 24, 10];
const HEAD = [
  ...["fault", "N", "detected, ms", "whole", "retried", "cut", "lost", "wrong"],
  ...["ready again, ms", "left over"],
];

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const times = numberArgument("times", 20);
  const only = Deno.args.includes("--only") ? Deno.args[Deno.args.indexOf("--only") + 1]! : "";
  await using bed = await FaultBed.create(programs, Deno.args.includes("--large") ? LARGE : SMALL);
  print("Times are least / middle / greatest. Lost: no byte was delivered, and none came.");
  print("Wrong: neither whole nor told; all connections of a gateway that is killed end like that.");
  printRow(HEAD);
  for (const fault of FAULTS.filter(({ name }) => name.startsWith(only))) await printFault(bed, fault, times);
}

async function printFault(bed: FaultBed, fault: Fault, times: number): Promise<void> {
  await bed.serve();
  const damages: Damage[] = [];
  for (let number = 0; number < times; number++) damages.push(await fault.run(bed));
  await bed.stop();
  const { wholeCount, retriedCount, cutCount, lostCount, faults } = countToll(damages);
  const leftOverCount = damages.reduce((sum, damage) => sum + damage.leftOverCount, 0);
  printRow([
    ...[fault.name, times, spread(damages.flatMap(({ detectedMs }) => detectedMs ?? []))],
    ...[wholeCount, retriedCount, cutCount, lostCount, faults.length],
    ...[spread(damages.map(({ recoveredMs }) => recoveredMs)), leftOverCount],
  ]);
  if (fault.mayLose) return;
  for (const wrong of new Set(faults)) print(`    ${wrong}`);
  if (faults.length + lostCount + leftOverCount > 0) Deno.exitCode = 1;
}

function printRow(cells: readonly (string | number)[]): void {
  print(cells.map((cell, index) => String(cell).padEnd(COLUMNS[index]!)).join(" ").trimEnd());
}

if (import.meta.main) await main();
