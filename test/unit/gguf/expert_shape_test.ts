import { deepEqual, equal } from "node:assert/strict";
import type { GgufTensorData } from "../../../lib/gguf/writer.ts";
import { describeKeys } from "../../fixtures/model_keys.ts";

function tensor(name: string, ...dims: number[]): GgufTensorData {
  return { name: `${name}.weight`, dims, type: "F32", data: () => {} };
}

const EXPERTS = { "expert_count": 8, "expert_used_count": 2 };

Deno.test("expertsOf() takes widths from the tensors before those of the metadata", async () => {
  const { experts, layers } = await describeKeys(
    "qwen2moe",
    { ...EXPERTS, "expert_feed_forward_length": 7 },
    [
      tensor("blk.0.ffn_down", 96, 256),
      tensor("blk.1.ffn_down_exps", 32, 256, 8),
      tensor("blk.1.ffn_down_shexp", 64, 256),
    ],
  );
  deepEqual(experts, { count: 8, usedCount: 2, feedForwardLength: 32, sharedFeedForwardLength: 64 });
  deepEqual(layers.map(({ feedForwardLength }) => feedForwardLength), [96, 0, 768, 768, 768, 768]);
});

Deno.test("expertsOf() takes widths from the metadata where there is no tensor", async () => {
  const keys = { ...EXPERTS, "expert_feed_forward_length": 32, "expert_shared_count": 2 };
  const { experts } = await describeKeys("deepseek2", keys);
  deepEqual(experts, { count: 8, usedCount: 2, feedForwardLength: 32, sharedFeedForwardLength: 64 });
});

Deno.test("expertsOf() sees none in a dense model", async () => {
  equal((await describeKeys("llama")).experts, undefined);
  equal((await describeKeys("llama", { "expert_count": 0, "expert_used_count": 0 })).experts, undefined);
});
