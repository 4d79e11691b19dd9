import { renderTable } from "../../lib/cli/table.ts";
import { createParityBed } from "./parity/parity_bed.ts";
import { PARITY_VERSION, type ParityResult, tryParity } from "./parity/parity_run.ts";
import { findPrograms } from "./with_llama_cpp.ts";

/** Prints how our answers for a sharded model stand beside those of a real Ollama; exits with 1 if one is not alike. */
async function printParity(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  await using bed = await createParityBed(programs);
  const results = await tryParity(bed.gateway.url);
  const failures = results.filter(({ troubles }) => troubles.length > 0);
  print(`Sharded over two rpc backends, beside a real Ollama ${PARITY_VERSION}\n\n${tableOf(results)}`);
  for (const { name, troubles } of failures) {
    print(`\n${name}:\n${troubles.map((one) => `  ${one}\n`).join("")}`);
  }
  print(`\nMeant to differ:\n${reasonsOf(results)}`);
  print(`\n${results.length - failures.length} of ${results.length} alike\n`);
  if (failures.length > 0) Deno.exitCode = 1;
}

function tableOf(results: readonly ParityResult[]): string {
  const rows = results.map(({ name, troubles, because }) => {
    const alike = because === undefined ? "alike" : "alike but for what is meant";
    return [name, troubles.length > 0 ? "NO" : alike];
  });
  return renderTable([{ title: "request" }, { title: "answer" }], rows);
}

function reasonsOf(results: readonly ParityResult[]): string {
  const byReason = Map.groupBy(results.filter(({ because }) => because), ({ because }) => because);
  return [...byReason].map(([because, alike]) =>
    `  ${alike.map(({ name }) => name).join(", ")}: ${because}\n`
  ).join("");
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) await printParity();
