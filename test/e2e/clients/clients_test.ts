import { findPrograms } from "../with_llama_cpp.ts";
import { type CompatBed, createNodeBed, createShardedBed } from "./compat_bed.ts";
import { tryClients } from "./compat_run.ts";

const programs = await findPrograms();

const sharded = "the clients of npm find all that they know where a model is sharded";
if (typeof programs === "string") {
  Deno.test({ name: `${sharded} (skipped: no llama.cpp: ${programs})`, ignore: true, fn: () => {} });
} else {
  test(sharded, () => createShardedBed(programs));
}

test("the clients of npm find all that they know where a node has the model", createNodeBed);

/** Ollama's client reads no further than the line that says `done`, and never closes the body: that is no leak of ours. */
function test(name: string, create: () => Promise<CompatBed>): void {
  Deno.test({
    name,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await using bed = await create();
      const failures = (await tryClients(bed)).filter(({ outcome }) => outcome === "no")
        .map(({ feature, client, because }) => new Error(`${feature} by ${client}`, { cause: because }));
      if (failures.length > 0) throw new AggregateError(failures, `${failures.length} features fail`);
    },
  });
}
