import { deepEqual, equal } from "node:assert/strict";
import { readShowAnswer } from "../../../lib/nodes/show_answer.ts";
import { gemma3, llama } from "../../fixtures/model_zoo/dense.ts";
import { shownModel } from "../../fixtures/shown_model.ts";

Deno.test("a model that is shown has its layers, its context and its parameters", () => {
  const { content, params, parameterCount } = readShowAnswer(shownModel(llama()))!;
  deepEqual([content.architecture, content.blockCount, content.contextLength], ["llama", 6, 131_072]);
  deepEqual([params, parameterCount], [{}, 1_000_000]);
});

Deno.test("an Ollama that lists no tensors tells the shape by its keys", () => {
  const { tensors: _, ...answer } = JSON.parse(shownModel(llama()));
  equal(readShowAnswer(JSON.stringify(answer))!.content.layers.length, 6);
});

for (
  const { what, pattern } of [
    { what: "numbers", pattern: [1, 1, 0, 1, 1, 0] },
    { what: "bools", pattern: [true, true, false, true, true, false] },
  ]
) {
  Deno.test(`one value for each layer comes as ${what}`, () => {
    const info = { "gemma3.attention.sliding_window_pattern": pattern };
    const { content } = readShowAnswer(shownModel(gemma3({ layers: 6 }), { info }))!;
    deepEqual(content.layers.map(({ cache }) => cache), [
      "window",
      "window",
      "full",
      "window",
      "window",
      "full",
    ]);
  });
}

for (
  const [parameters, want] of [
    ['num_ctx                        8192\nstop                           "<|im_end|>"', { num_ctx: 8192 }],
    ["temperature                    0.7\nnum_ctx                        1.048576e+06", {
      num_ctx: 1_048_576,
    }],
    ['stop                           "num_ctx 9"', {}],
    ["num_ctx                        -1", {}],
    ['num_ctx                        "8192"', {}],
    ["num_ctx                        1e+99", {}],
    ["num_ctx", {}],
  ] as const
) {
  Deno.test(`parameters ${JSON.stringify(parameters)} tell ${JSON.stringify(want)}`, () => {
    deepEqual(readShowAnswer(shownModel(llama(), { parameters }))!.params, want);
  });
}

for (const count of ["8B", -1, 1.5, 1e300, null, 0]) {
  Deno.test(`${count} is no number of parameters, and the rest counts`, () => {
    const shown = readShowAnswer(shownModel(llama(), { info: { "general.parameter_count": count } }))!;
    deepEqual([shown.parameterCount, shown.content.blockCount], [undefined, 6]);
  });
}

for (
  const { name, tensors } of [
    { name: "no list", tensors: { length: 3 } },
    { name: "an unknown type", tensors: [{ name: "blk.0.ffn_down.weight", type: "Q99", shape: [1, 1] }] },
    { name: "a length below 1", tensors: [{ name: "blk.0.ffn_down.weight", type: "F16", shape: [-1, 0] }] },
    {
      name: "a million numbers for a shape",
      tensors: [{ name: "x", type: "F16", shape: new Array(1e6).fill(1) }],
    },
    { name: "a text for a shape", tensors: [{ name: "x", type: "F16", shape: "1x1" }] },
  ]
) {
  Deno.test(`tensors that cannot be read (${name}) are as good as none`, () => {
    const answer = { ...JSON.parse(shownModel(llama())), tensors };
    equal(readShowAnswer(JSON.stringify(answer))!.content.layers[0]!.feedForwardLength, 768);
  });
}

for (
  const { name, info } of [
    { name: "a text for a number", info: { "llama.block_count": "32" } },
    { name: "1e300 layers", info: { "llama.block_count": 1e300 } },
    { name: "a billion layers", info: { "llama.block_count": 1e9 } },
    { name: "half a layer", info: { "llama.block_count": 0.5 } },
    { name: "fewer than no heads", info: { "llama.attention.head_count": -8 } },
    { name: "heads for other layers", info: { "llama.attention.head_count_kv": [8, 8] } },
    { name: "texts for heads", info: { "llama.attention.head_count_kv": ["8", "8", "8", "8", "8", "8"] } },
    { name: "no width", info: { "llama.embedding_length": null } },
    { name: "an object for the context", info: { "llama.context_length": { "$gt": 0 } } },
    { name: "no architecture", info: { "general.architecture": 7 } },
    { name: "an architecture without keys", info: { "general.architecture": "__proto__" } },
    { name: "a vision part", info: { "general.type": "mmproj" } },
  ]
) {
  Deno.test(`what is shown with ${name} is refused`, () => {
    equal(readShowAnswer(shownModel(llama(), { info })), undefined);
  });
}

Deno.test("an array of a million is left out, as those are that Ollama itself leaves out", () => {
  const info = { "llama.attention.head_count_kv": new Array(1e6).fill("8") };
  equal(readShowAnswer(shownModel(llama(), { info }))!.content.layers[0]!.kvHeadCount, 8);
});

for (
  const text of [
    ...["", "null", "[]", "7", "<html>", '{"model_info":', "{}", '{"model_info":null}', '{"model_info":[]}'],
    ...[
      '{"error":"model not found"}',
      '{"model_info":{}}',
      '{"model_info":{"general.architecture":"llama"}}',
    ],
    ...["[".repeat(1_000_000), `{"model_info":${"[".repeat(500_000)}${"]".repeat(500_000)}}`],
  ]
) {
  Deno.test(`${text.length} characters that begin with ${text.slice(0, 30)} show no model`, () => {
    equal(readShowAnswer(text), undefined);
  });
}
