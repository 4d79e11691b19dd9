import { deepEqual, equal, match } from "node:assert/strict";
import { MIB } from "../../lib/units.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { planWith } from "./planned.ts";
import { Program, type ProgramResult } from "./program.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("a backend that was registered survives a restart with its limits, and is forgotten when told", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  const [configured, registered] = bed.endpoints as [string, string];
  const options = { rpcBackends: [configured] };
  {
    await using gateway = await bed.serve(options);
    const { code, stdout } = await run(bed, ["register", registered, "--memory", "100MiB"], gateway.url);
    equal(code, 0, stdout);
    match(stdout, new RegExp(`^${registered} +up +registered`, "m"));
    const table = await run(bed, ["backends"], gateway.url);
    match(table.stdout, new RegExp(`^${configured} +up .* config `, "m"));
    match(table.stdout, new RegExp(`^${registered} +up .* admin `, "m"));
    await gateway.stop();
  }
  await using gateway = await bed.serve(options);
  const listed = JSON.parse((await run(bed, ["backends", "--json"], gateway.url)).stdout);
  deepEqual(
    listed.map((
      { endpoint, sources, limits }: Listed,
    ) => [endpoint, sources, limits.memoryLimitBytes ?? null]),
    [[configured, ["config"], null], [registered, ["admin"], 100 * MIB]],
  );
  deepEqual(
    (await planWith(bed.sandbox, ["tiny", "--gateway", gateway.url])).report.endpoints,
    bed.endpoints,
  );
  const removed = await run(bed, ["register", registered, "--remove"], gateway.url);
  deepEqual([removed.code, removed.stderr], [0, ""]);
  const kept = await run(bed, ["register", configured, "--remove"], gateway.url);
  equal(kept.code, 1);
  match(kept.stderr, /the configuration names it \(rpc_backends\); remove it there/);
  const unknown = await run(bed, ["register", registered, "--remove"], gateway.url);
  match(unknown.stderr, /There is no rpc backend/);
  const left = JSON.parse((await run(bed, ["backends", "--json"], gateway.url)).stdout);
  deepEqual(left.map(({ endpoint }: Listed) => endpoint), [configured]);
  await gateway.stop();
});

interface Listed {
  readonly endpoint: string;
  readonly sources: readonly string[];
  readonly limits: { readonly memoryLimitBytes?: number };
}

function run(bed: GatewayBed, args: readonly string[], url: string): Promise<ProgramResult> {
  return Program.run(bed.sandbox, [...args, "--gateway", url]);
}
