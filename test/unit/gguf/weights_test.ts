import { deepEqual, equal, throws } from "node:assert/strict";
import { tensorTypeByName } from "../../../lib/gguf/tensor_types.ts";
import type { GgufTensor } from "../../../lib/gguf/tensors.ts";
import { weighTensors } from "../../../lib/gguf/weights.ts";

/** Tensors by name, each of so many bytes. */
function tensors(sizes: Record<string, number>): GgufTensor[] {
  const type = tensorTypeByName("I8")!;
  return Object.entries(sizes).map(([name, sizeBytes]) => {
    return { name, dims: [sizeBytes], type, offset: 0, sizeBytes };
  });
}

Deno.test("weighTensors() sorts tensors by where llama.cpp puts them", () => {
  const weights = weighTensors(
    tensors({
      "token_embd.weight": 100,
      "token_embd_norm.weight": 1,
      "per_layer_token_embd.weight": 1000,
      "position_embd.weight": 2,
      "blk.0.attn_q.weight": 10,
      "blk.0.ffn_gate_exps.weight": 20,
      "blk.1.attn_q.weight": 30,
      "output_norm.weight": 3,
      "output_norm.bias": 4,
      "output.weight": 200,
      "cls.output.weight": 5,
      "rope_freqs.weight": 6,
      "v.blk.0.attn_q.weight": 7,
    }),
    2,
  );
  deepEqual(weights, {
    perLayerBytes: [30, 30],
    unloadedBytes: 0,
    inputBytes: 1103,
    outputBytes: 212,
    otherBytes: 13,
    totalBytes: 1388,
    outputIsTied: false,
  });
});

Deno.test("weighTensors() counts a tied embedding for the output layer, too, but once in the total", () => {
  const weights = weighTensors(tensors({ "token_embd.weight": 100, "output_norm.weight": 3 }), 0);
  deepEqual([weights.inputBytes, weights.outputBytes, weights.totalBytes], [100, 103, 103]);
  equal(weights.outputIsTied, true);
});

Deno.test("weighTensors() ties the embedding of LFM2, whose output norm has another name", () => {
  const named = { "token_embd.weight": 100, "token_embd_norm.weight": 3, "blk.0.shortconv.conv.weight": 5 };
  const weights = weighTensors(tensors(named), 1);
  deepEqual([weights.outputIsTied, weights.outputBytes], [true, 100]);
});

Deno.test("weighTensors() ties nothing in a model without output norm, as those of the bert family", () => {
  const weights = weighTensors(tensors({ "token_embd.weight": 100, "blk.0.attn_q.weight": 1 }), 1);
  equal(weights.outputIsTied, false);
  equal(weights.outputBytes, 0);
});

Deno.test("weighTensors() adds encoder and decoder halves of a layer", () => {
  const weights = weighTensors(tensors({ "enc.blk.1.attn_q.weight": 1, "dec.blk.1.attn_q.weight": 2 }), 2);
  deepEqual(weights.perLayerBytes, [0, 3]);
});

Deno.test("weighTensors() leaves the layers of an adapter, which has none of its own, to the rest", () => {
  equal(weighTensors(tensors({ "blk.0.attn_q.weight.lora_a": 8 }), 0).otherBytes, 8);
});

Deno.test("weighTensors() refuses a tensor of a layer that the model does not have", () => {
  throws(() => weighTensors(tensors({ "blk.2.attn_q.weight": 1 }), 2), /layer 2, but block_count is 2/);
});

Deno.test("weighTensors() sets aside layers that only predict further tokens, which llama.cpp does not load", () => {
  const weights = weighTensors(
    tensors({ "blk.0.attn_q.weight": 10, "blk.1.nextn.eh_proj.weight": 20 }),
    2,
    1,
  );
  deepEqual(weights.perLayerBytes, [10, 0]);
  deepEqual([weights.unloadedBytes, weights.totalBytes], [20, 30]);
});
