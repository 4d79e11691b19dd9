import { equal, ok } from "node:assert/strict";
import { computeBufferBytes } from "../../../lib/planner/compute_buffer.ts";
import { MIB } from "../../../lib/units.ts";

Deno.test("a tiny model needs about what llama.cpp was seen to allocate for it: 19 to 21 MiB", () => {
  const bytes = computeBufferBytes({ embeddingLength: 128, vocabularySize: 525 });
  ok(bytes > 19 * MIB && bytes < 24 * MIB, `${bytes / MIB} MiB`);
});

Deno.test("a large vocabulary dominates, and a smaller batch helps", () => {
  const llama3 = { embeddingLength: 8192, vocabularySize: 128_256 };
  ok(computeBufferBytes(llama3) > 250 * MIB);
  equal(
    computeBufferBytes(llama3, { ubatchSize: 256 }) - 16 * MIB,
    (computeBufferBytes(llama3) - 16 * MIB) / 2,
  );
});
