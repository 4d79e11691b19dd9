import { equal, match, rejects } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import { GgufMetadata, type GgufValue } from "../../../lib/gguf/metadata.ts";
import { whyOnlyOllama } from "../../../lib/gguf/stock_compatibility.ts";
import { tensorTypeByName } from "../../../lib/gguf/tensor_types.ts";
import { describeKeys } from "../../fixtures/model_keys.ts";
import { u32 } from "../../../lib/gguf/writer.ts";

function reasonFor(
  { architecture, keys = [], tensors = [] }: Omit<Foreign, "name" | "why">,
): string | undefined {
  const value: GgufValue = { type: "uint32", offset: 0, value: 1 };
  const type = tensorTypeByName("F32")!;
  return whyOnlyOllama({
    architecture,
    metadata: new GgufMetadata(new Map(keys.map((key) => [key, value]))),
    tensors: tensors.map((name) => ({ name, dims: [32], type, offset: 0, sizeBytes: 128 })),
  });
}

for (
  const { name, architecture, keys, tensors, why } of [
    { name: "gpt-oss under Ollama's name", architecture: "gptoss", why: /architecture is "gptoss"/ },
    { name: "qwen2.5-vl under Ollama's name", architecture: "qwen25vl", why: /architecture is "qwen25vl"/ },
    { name: "llama3.2-vision", architecture: "mllama", why: /architecture is "mllama"/ },
    {
      name: "eyes in the same file",
      architecture: "gemma3",
      tensors: ["v.blk.0.attn_q.weight"],
      why: /such as "v\.blk\.0\.attn_q\.weight"/,
    },
    { name: "a projector in the same file", architecture: "llama4", tensors: ["mm.0.weight"], why: /"mm\.0/ },
    { name: "ears in the same file", architecture: "gemma4", tensors: ["a.conv.weight"], why: /"a\.conv/ },
    {
      name: "embeddinggemma under Ollama's name",
      architecture: "gemma3",
      tensors: ["dense.0.weight"],
      why: /"gemma-embedding"/,
    },
    {
      name: "a gemma3 of Ollama's own converter",
      architecture: "gemma3",
      keys: ["gemma3.rope.global.freq_base"],
      why: /rope\.global\.freq_base/,
    },
    {
      name: "reordered heads",
      architecture: "qwen35",
      keys: ["qwen35.ssm.v_head_reordered"],
      why: /Ollama's order/,
    },
    {
      name: "a qwen3next of Ollama's own converter",
      architecture: "qwen3next",
      tensors: ["blk.0.ssm_dt"],
      why: /"blk\.0\.ssm_dt"/,
    },
  ] satisfies Foreign[] as Foreign[]
) {
  Deno.test(`whyOnlyOllama() knows ${name}`, () => {
    match(reasonFor({ architecture, ...(keys && { keys }), ...(tensors && { tensors }) })!, why);
  });
}

interface Foreign {
  readonly name: string;
  readonly architecture: string;
  readonly keys?: readonly string[];
  readonly tensors?: readonly string[];
  readonly why: RegExp;
}

for (
  const { architecture, tensors = [] } of [
    { architecture: "llama" },
    { architecture: "gpt-oss" },
    { architecture: "gemma3" },
    { architecture: "qwen35" },
    { architecture: "llama", tensors: ["blk.0.attn_v.weight", "output.weight", "vocab.weight"] },
    { architecture: "qwen3next", tensors: ["blk.0.ssm_dt.bias"] },
  ]
) {
  Deno.test(`whyOnlyOllama() has nothing against ${architecture} with ${tensors.length} tensors`, () => {
    equal(reasonFor({ architecture, tensors }), undefined);
  });
}

Deno.test("whyOnlyOllama() knows the type number that Ollama once gave to MXFP4", () => {
  const type = { ...tensorTypeByName("MXFP4")!, id: 4 };
  const tensors = [{ name: "blk.0.ffn.weight", dims: [32], type, offset: 0, sizeBytes: 17 }];
  match(
    whyOnlyOllama({ architecture: "gpt-oss", metadata: new GgufMetadata(new Map()), tensors })!,
    /type number 4/,
  );
});

Deno.test("a file that lacks keys because only Ollama reads it is told as such", async () => {
  await rejects(describeKeys("gptoss", { "block_count": undefined }), (error) => {
    match((error as Error).message, /architecture is "gptoss"/);
    match((error as GgufSyntaxError).advice, /run it on an Ollama node/);
    return error instanceof GgufSyntaxError && error.cause instanceof GgufSyntaxError;
  });
});

Deno.test("a file that is only damaged is told as such", async () => {
  await rejects(describeKeys("llama", { "block_count": u32(0) }), /block_count/);
});
