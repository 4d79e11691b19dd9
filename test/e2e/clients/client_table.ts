import { renderTable } from "../../../lib/cli/table.ts";
import { messageOf } from "../../../lib/errors.ts";
import { findPrograms } from "../with_llama_cpp.ts";
import { type CompatBed, createNodeBed, createShardedBed } from "./compat_bed.ts";
import { FEATURES } from "./compat_client.ts";
import { type CompatResult, tryClients } from "./compat_run.ts";

/** Prints what each client finds, for both kinds of upstream; exits with 1 if one fails. */
async function printTables(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  const results = [await tryOn(() => createShardedBed(programs)), await tryOn(createNodeBed)].flat();
  if (results.some(({ outcome }) => outcome === "no")) Deno.exitCode = 1;
}

async function tryOn(create: () => Promise<CompatBed>): Promise<CompatResult[]> {
  await using bed = await create();
  const results = await tryClients(bed);
  print(`${TITLES[bed.kind]}\n\n${tableOf(results)}\n${ownTableOf(results)}`);
  const failures = results.filter(({ outcome }) => outcome === "no");
  for (const { feature, client, because } of failures) {
    print(`  ${feature} by ${client}: ${messageOf(because)}`);
  }
  const reasons = new Set(
    results.filter(({ outcome }) => outcome === "n/a").map(({ client, feature, because }) => {
      return bed.lacks[feature] === because
        ? `${feature}: ${because}`
        : `${feature} by ${client}: ${because}`;
    }),
  );
  print(`n/a:\n${[...reasons].map((reason) => `  ${reason}\n`).join("")}`);
  return results;
}

const COMMON: ReadonlySet<string> = new Set(FEATURES);
const TITLES = {
  sharded: "A model sharded over two rpc backends, by a real llama-server",
  node: "A model of a node, played by a fake that is held against a real Ollama",
} as const;

/** What all clients have in common. */
function tableOf(results: readonly CompatResult[]): string {
  const common = results.filter(({ feature }) => COMMON.has(feature));
  const clients = [...new Set(common.map(({ client }) => client))];
  const rows = FEATURES.map((feature) => {
    const cells = clients.map((name) => common.find((one) => one.feature === feature && one.client === name));
    return [feature, ...cells.map((cell) => cell?.outcome ?? "")];
  });
  return renderTable([{ title: "" }, ...clients.map((title) => ({ title }))], rows);
}

/** What one client alone has. */
function ownTableOf(results: readonly CompatResult[]): string {
  const rows = results.filter(({ feature }) => !COMMON.has(feature))
    .map(({ client, feature, outcome }) => [client, feature, outcome]);
  return renderTable([{ title: "client" }, { title: "its own" }, { title: "" }], rows);
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await printTables();
