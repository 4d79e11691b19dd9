/**
 * From the start of `serve` to the line that says it listens, and what the process holds then, of each form of the program:
 * in turn, so that what else the machine does meets all of them. Some 30 s with the build.
 *
 *     deno task bench:startup [--rounds 10]
 */
import { Table } from "console-table-printer";
import { setTimeout as delay } from "node:timers/promises";
import { median, numberArgument, print } from "../../e2e/figures.ts";
import { figuresOf } from "../../e2e/process_figures.ts";
import { Program } from "../../e2e/program.ts";
import { ProgramForms } from "../../e2e/program_forms.ts";
import { Sandbox } from "../../e2e/sandbox.ts";

const SERVE = ["serve", "--listen", "127.0.0.1:0", "--set", "nodes.local=false"];
/** Of what is started for the first time, Deno keeps the compiled code. */
const WARM_UP_ROUNDS = 2;
const SETTLE_MS = 500;
/** What people may have to wait for, ms. */
const MOST_MS = 150;

/** What one form took, by round. */
interface Figures {
  readonly startMs: number[];
  readonly residentMib: number[];
}

async function main(): Promise<void> {
  const rounds = numberArgument("rounds", 10);
  await using forms = await ProgramForms.build();
  await using sandbox = await Sandbox.create();
  const env = { SOLLOL_PORTABLE_DIR: forms.portableDirectory };
  const figures = new Map<string, Figures>();
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const { name, command } of forms.all) {
      if ("skip" in command) continue;
      const { startMs, residentMib } = await startOnce(sandbox, command, env);
      if (round < 0) continue;
      const known = figures.get(name) ?? { startMs: [], residentMib: [] };
      figures.set(name, known);
      known.startMs.push(startMs);
      known.residentMib.push(residentMib);
    }
  }
  printTable(figures);
}

async function startOnce(sandbox: Sandbox, form: readonly string[], env: Record<string, string>) {
  const startedMs = performance.now();
  await using program = Program.start(sandbox, SERVE, { form, env });
  await program.stdout.until(/"message":"listening"/);
  const startMs = performance.now() - startedMs;
  await delay(SETTLE_MS);
  const { residentMib } = figuresOf(program.pid);
  await program.stop();
  return { startMs, residentMib };
}

function printTable(figures: ReadonlyMap<string, Figures>): void {
  const table = new Table();
  const sourceMs = median([...figures.values()][0]!.startMs);
  for (const [form, { startMs, residentMib }] of figures) {
    const ms = median(startMs);
    table.addRow({
      form,
      "listens after, ms (least / middle)": `${Math.min(...startMs).toFixed(0)} / ${ms.toFixed(0)}`,
      "beside the source": (ms / sourceMs).toFixed(2),
      "resident, MiB": median(residentMib),
      wanted: form === "the source" ? "" : `< ${MOST_MS} ms`,
    });
    if (form !== "the source" && ms >= MOST_MS) Deno.exitCode = 1;
  }
  print(table.render());
}

if (import.meta.main) await main();
