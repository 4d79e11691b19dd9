import { MIB } from "../../lib/units.ts";
import { RealityBed, type RealityRow } from "./planner_reality.ts";
import { ALL_CASES, BACKEND_COUNT } from "./planner_reality_cases.ts";
import { findPrograms } from "./with_llama_cpp.ts";

if (import.meta.main) await printTable();

/** Holds every plan against the real llama.cpp, and exits with 1 if one is off. */
async function printTable(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  await using bed = await RealityBed.create(programs, BACKEND_COUNT);
  print(
    "MiB planned / real. Layers must be exact, weights and KV within 1 %, compute from -10 to +25 %.",
  );
  const rows: RealityRow[] = [];
  for (const reality of ALL_CASES) {
    const compared = await bed.compare(reality);
    rows.push(...compared);
    print(compared[0]!.label);
    for (const row of compared) print(`  ${lineOf(row)}`);
  }
  const wrong = rows.filter(({ problems }) => problems.length > 0);
  print(summaryOf(rows));
  if (wrong.length > 0) Deno.exitCode = 1;
}

function lineOf({ planned, units, actual, problems }: RealityRow): string {
  const pair = (plannedBytes: number, actualBytes: number) =>
    `${(plannedBytes / MIB).toFixed(2)} / ${(actualBytes / MIB).toFixed(2)}`.padStart(19);
  return [
    planned.name,
    `layers ${units[0]}-${units.at(-1)}`.padEnd(13),
    `weights ${pair(planned.weightBytes, actual.weightBytes)}`,
    `KV ${pair(planned.kvBytes, actual.kvBytes)}`,
    `compute ${pair(planned.computeBytes, actual.computeBytes)}`,
    problems.length === 0 ? "" : `WRONG: ${problems.join("; ")}`,
  ].join("  ").trimEnd();
}

function summaryOf(rows: readonly RealityRow[]): string {
  const wrongCount = rows.filter(({ problems }) => problems.length > 0).length;
  const shares = rows.filter(({ actual }) => actual.computeBytes > MIB)
    .map(({ planned, actual }) => planned.computeBytes / actual.computeBytes - 1);
  const percent = (share: number) => `${share >= 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
  const exact = shares.filter((share) => Math.abs(share) < 0.01).length;
  return `${ALL_CASES.length} loads, ${rows.length} devices: ${wrongCount} wrong; compute buffers ` +
    `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}, ` +
    `${Math.round(100 * exact / shares.length)} % of them within 1 %`;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
