import { deepEqual, equal, rejects } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import { describeKeys, type KeyValue } from "../../fixtures/model_keys.ts";

/** One letter for each layer: has a cache of all tokens, of a window, or none. */
function caches({ layers }: GgufModel): string {
  return layers.map(({ cache }) => ({ full: "F", window: "w", none: "-" })[cache]).join("");
}

/** One letter for each layer: has state, or not. */
function states({ layers }: GgufModel): string {
  return layers.map(({ recurrentWidth }) => recurrentWidth > 0 ? "s" : ".").join("");
}

const WINDOW = { "block_count": 8, "attention.sliding_window": 512 };
const PATTERN = "attention.sliding_window_pattern";

// By `load_arch_hparams` in src/models of llama.cpp.
for (
  const [architecture, keys, want] of [
    ["gemma2", WINDOW, "wFwFwFwF"],
    ["gemma3", WINDOW, "wwwwwFww"],
    ["gemma3n", WINDOW, "wwwwFwww"],
    ["gpt-oss", WINDOW, "wFwFwFwF"],
    ["cohere2", WINDOW, "wwwFwwwF"],
    ["cohere2moe", WINDOW, "FwwwFwww"],
    ["smallthinker", WINDOW, "FwwwFwww"],
    ["laguna", WINDOW, "FwwwFwww"],
    ["plamo3", WINDOW, "wwwwwwwF"],
    ["llama4", { "block_count": 8 }, "wwwFwwwF"],
    ["llama4", { ...WINDOW, "attention.sliding_window": 0 }, "FFFFFFFF"],
    ["gemma3", { ...WINDOW, "attention.sliding_window": 0 }, "FFFFFFFF"],
    ["olmo2", { "block_count": 8 }, "FFFFFFFF"],
    ["mistral3", WINDOW, "FFFFFFFF"],
    ["phi3", WINDOW, "FFFFFFFF"],
    ["gemma3", { ...WINDOW, [PATTERN]: 2 }, "wFwFwFwF"],
    ["gemma3", { ...WINDOW, [PATTERN]: 1 }, "FFFFFFFF"],
    ["gemma3", { ...WINDOW, [PATTERN]: 0 }, "wwwwwwww"],
    ["mimo2", { ...WINDOW, [PATTERN]: [0, 1, 1, 1, 1, 0, 1, 1] }, "FwwwwFww"],
    ["step35", { ...WINDOW, "nextn_predict_layers": 1, [PATTERN]: [0, 1, 1, 1, 1, 0, 1] }, "FwwwwFw-"],
    ["gemma3n", { ...WINDOW, "block_count": 22 }, "wwwwFwwwwFwwwwFwwwwF--"],
    ["bert", {}, "------"],
    ["gemma-embedding", WINDOW, "--------"],
    ["llada", {}, "------"],
    ["t5", {}, "FFFFFF"],
  ] as [string, Record<string, KeyValue>, string][]
) {
  Deno.test(`the caches of ${architecture} ${JSON.stringify(keys)} are ${want}`, async () => {
    const model = await describeKeys(architecture, keys);
    equal(caches(model), want);
    equal(model.slidingWindow > 0, want.includes("w"));
    equal(states(model), ".".repeat(want.length));
  });
}

for (
  const [architecture, keys, tokens] of [
    ["gemma2", {}, 4096],
    ["gemma2", { "attention.sliding_window": 300 }, 300],
    ["llama4", { "attention.sliding_window": 300 }, 8192],
    ["smallthinker", { "attention.sliding_window": 300 }, 4096],
    ["exaone4", { "block_count": 64 }, 4096],
    ["exaone4", { "block_count": 30, "attention.sliding_window": 300 }, 0],
  ] as [string, Record<string, KeyValue>, number][]
) {
  Deno.test(`a layer of ${architecture} ${JSON.stringify(keys)} sees ${tokens || "all"} tokens`, async () => {
    equal((await describeKeys(architecture, keys)).slidingWindow, tokens);
  });
}

const SSM = { "ssm.conv_kernel": 4, "ssm.inner_size": 512, "ssm.state_size": 16, "ssm.group_count": 1 };
const HYBRID = { "attention.head_count_kv": [0, 0, 2, 0, 0, 2] };
const SSM_STATE = 3 * (512 + 2 * 16) + 16 * 512;

// By `n_embd_r` and `n_embd_s` in src/llama-hparams.cpp and `create_memory` in src/llama-model.cpp of llama.cpp.
for (
  const [architecture, keys, wantCaches, wantStates, width] of [
    ["mamba2", SSM, "------", "ssssss", SSM_STATE],
    ["rwkv7", { "wkv.head_size": 64 }, "------", "ssssss", 2 * 256 + 256 * 64],
    ["arwkv7", { "wkv.head_size": 64, "token_shift_count": 1 }, "------", "ssssss", 256 + 256 * 64],
    ["jamba", { ...SSM, ...HYBRID }, "--F--F", "ss.ss.", SSM_STATE],
    ["plamo2", { ...SSM, ...HYBRID }, "--F--F", "ss.ss.", SSM_STATE],
    ["falcon-h1", SSM, "FFFFFF", "ssssss", SSM_STATE],
    [
      "nemotron_h",
      { ...SSM, ...HYBRID, "feed_forward_length": [0, 9, 0, 9, 0, 0] },
      "--F--F",
      "s...s.",
      SSM_STATE,
    ],
    ["lfm2moe", { ...HYBRID, "shortconv.l_cache": 3 }, "--F--F", "ss.ss.", 512],
    ["qwen3next", SSM, "---F--", "sss.ss", SSM_STATE],
    ["qwen35moe", { ...SSM, "full_attention_interval": 2 }, "-F-F-F", "s.s.s.", SSM_STATE],
    ["qwen35", { ...SSM, "attention.recurrent_layers": [0, 1, 1, 1, 1, 0] }, "F----F", ".ssss.", SSM_STATE],
    ["qwen35", { ...SSM, "nextn_predict_layers": 1 }, "---F--", "sss.s.", SSM_STATE],
    [
      "kimi-linear",
      {
        ...HYBRID,
        "kda.head_dim": 128,
        "ssm.conv_kernel": 4,
      },
      "--F--F",
      "ss.ss.",
      9 * 8 * 128 + 128 * 128 * 8,
    ],
    ["minimax-01", { "full_attention_interval": 3 }, "--F--F", "ss.ss.", 32 * 32 * 8],
  ] as [string, Record<string, KeyValue>, string, string, number][]
) {
  Deno.test(`${architecture} ${JSON.stringify(keys)} keeps ${width} elements of state`, async () => {
    const model = await describeKeys(architecture, keys);
    equal(caches(model), wantCaches);
    equal(states(model), wantStates);
    equal(Math.max(...model.layers.map(({ recurrentWidth }) => recurrentWidth)), width);
  });
}

for (
  const [name, architecture, keys, want] of [
    ["all heads where it does not tell those of K", "llama", { "attention.head_count_kv": undefined }, [
      256,
      256,
    ]],
    ["its own lengths of heads", "llama", { "attention.key_length": 48, "attention.value_length": 64 }, [
      96,
      128,
    ]],
    ["K alone with latent attention", "deepseek2", {
      "attention.head_count_kv": 1,
      "attention.key_length": 576,
      "attention.value_length": 512,
      "attention.key_length_mla": 192,
      "attention.value_length_mla": 128,
    }, [576, 0]],
    ["K and V of old latent models, which are unpacked", "deepseek2", {
      "attention.head_count_kv": 8,
      "attention.key_length": 192,
      "attention.value_length": 128,
    }, [1536, 1024]],
    ["the keys of the indexer", "deepseek32", {
      "attention.head_count_kv": 1,
      "attention.key_length": 576,
      "attention.value_length": 512,
      "attention.key_length_mla": 192,
      "attention.value_length_mla": 128,
      "attention.indexer.key_length": 128,
    }, [704, 0]],
    ["the indexer's unused V", "minimax-m3", { "attention.indexer.key_length": 128 }, [192, 96]],
    ["other heads in a window", "gemma4", {
      "attention.sliding_window": 512,
      [PATTERN]: [1, 1, 1, 1, 1, 0],
      "attention.key_length": 128,
      "attention.value_length": 128,
      "attention.key_length_swa": 64,
      "attention.value_length_swa": 48,
    }, [128, 96]],
  ] as [string, string, Record<string, KeyValue>, number[]][]
) {
  Deno.test(`a layer of ${architecture} keeps ${name}`, async () => {
    const [layer] = (await describeKeys(architecture, keys)).layers;
    deepEqual([layer!.keyWidth, layer!.valueWidth], want);
  });
}

Deno.test("a layer without heads keeps nothing", async () => {
  const heads = [8, 8, 0, 8, 8, 8];
  const model = await describeKeys("deci", {
    "attention.head_count": heads,
    "attention.head_count_kv": heads,
  });
  equal(caches(model), "FF-FFF");
  deepEqual(model.layers.map(({ headCount }) => headCount), heads);
});

for (
  const [name, architecture, keys, says] of [
    ["no layers", "llama", { "block_count": 0 }, /"llama.block_count" is 0, expected 1 to 512/],
    ["no window where there must be one", "gpt-oss", {}, /"gpt-oss.attention.sliding_window" is missing/],
    [
      "a window of nothing",
      "gpt-oss",
      { "attention.sliding_window": 0 },
      /sliding_window" is 0, expected 1 to/,
    ],
    [
      "a window that overflows",
      "gemma3",
      { "attention.sliding_window": 2 ** 32 - 1 },
      /is 4294967295, expected/,
    ],
    ["no list of windows", "gemma4", WINDOW, /"gemma4.attention.sliding_window_pattern" is missing/],
    [
      "a list of windows for other layers",
      "gemma3",
      { ...WINDOW, [PATTERN]: [1, 0] },
      /has 2 entries for 8 layers/,
    ],
    [
      "heads for other layers",
      "llama",
      { "attention.head_count": [8, 8] },
      /head_count" has 2 entries for 6/,
    ],
    [
      "an empty list of heads",
      "llama",
      { "attention.head_count": [] },
      /head_count" has 0 entries for 6 layers/,
    ],
    [
      "absurd heads",
      "llama",
      { "attention.head_count_kv": 2 ** 31 },
      /is 2147483648, expected 0 to 16777216/,
    ],
    [
      "absurd lengths",
      "llama",
      { "attention.key_length": 2 ** 32 - 1 },
      /key_length" is 4294967295, expected/,
    ],
    ["a state without its sizes", "mamba", {}, /"mamba.ssm.inner_size" is missing/],
    [
      "attention in each 0th layer",
      "qwen35",
      { ...SSM, "full_attention_interval": 0 },
      /interval" is 0, expected 1/,
    ],
    ["more shared layers than layers", "gemma4", {
      ...WINDOW,
      [PATTERN]: 1,
      "attention.shared_kv_layers": 9,
    }, /shared_kv_layers" is 9, expected 0 to 8/],
    [
      "more used experts than experts",
      "llama",
      { "expert_count": 8, "expert_used_count": 9 },
      /is 9, expected 1 to 8/,
    ],
    ["no used expert", "llama", { "expert_count": 8 }, /expert_used_count" is 0, expected 1 to 8/],
  ] as [string, string, Record<string, KeyValue>, RegExp][]
) {
  Deno.test(`describeModel() refuses ${name}`, async () => {
    await rejects(describeKeys(architecture, keys), (error: Error) => {
      return error instanceof GgufSyntaxError && says.test(error.message);
    });
  });
}
