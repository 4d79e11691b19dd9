import { deepEqual, ok } from "node:assert/strict";
import { createParityBed } from "./parity/parity_bed.ts";
import { tryParity } from "./parity/parity_run.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

llamaTest("a sharded model answers as a real Ollama was recorded to answer", async (programs) => {
  await using bed = await createParityBed(programs);
  const results = await tryParity(bed.gateway.url);
  deepEqual(results.filter(({ troubles }) => troubles.length > 0), []);
  ok(results.filter(({ because }) => because === undefined).length >= 50, "most answers are alike in all");
});
