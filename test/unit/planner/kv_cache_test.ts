import { deepEqual, equal, throws } from "node:assert/strict";
import { kvCacheBytesPerLayer } from "../../../lib/planner/kv_cache.ts";

const llama70b = { kvHeadCounts: Array<number>(80).fill(8), keyLength: 128, valueLength: 128 };
const total = (bytes: number[]) => bytes.reduce((sum, layer) => sum + layer, 0);

Deno.test("a 70B llama needs 320 KiB a token in f16 and 170 KiB in q8_0", () => {
  const tokens = (kvType: string) =>
    total(kvCacheBytesPerLayer(llama70b, { contextSize: 8192, slotCount: 1, kvType })) / 8192;
  equal(tokens("f16"), 327_680);
  equal(tokens("q8_0"), 174_080);
});

Deno.test("each slot has its own context, rounded up to 256 tokens", () => {
  const model = { kvHeadCounts: [2], keyLength: 32, valueLength: 32 };
  deepEqual(kvCacheBytesPerLayer(model, { contextSize: 300, slotCount: 3, kvType: "f16" }), [
    512 * 3 * 2 * (64 + 64),
  ]);
});

Deno.test("layers without attention heads have no cache", () => {
  const model = { kvHeadCounts: [0, 4, 0], keyLength: 64, valueLength: 64 };
  const bytes = kvCacheBytesPerLayer(model, { contextSize: 256, slotCount: 1, kvType: "f16" });
  deepEqual(bytes.map((layer) => layer > 0), [false, true, false]);
});

Deno.test("a type that is none is refused", () => {
  throws(() => kvCacheBytesPerLayer(llama70b, { contextSize: 1, slotCount: 1, kvType: "f17" }), RangeError);
});
