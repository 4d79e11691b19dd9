import { equal, ok } from "node:assert/strict";
import { guessNeed, parseParameterSize } from "../../../lib/planner/guessed_need.ts";

for (
  const [name, billions, gigabytes] of [
    // What the predecessor mistook: by the first few letters, or by any number within another.
    ["deepseek-r1:671b", 671, 402.6],
    ["llama3.2:90b", 90, 54],
    ["phi3:14b", 14, 8.4],
    ["llama3.1:8b", 8, 4.8],
    ["qwen2.5:32b", 32, 19.2],
    ["gpt-oss:120b", 120, 72],
    ["llama3.1:405b", 405, 243],
    // Broken, small and huge numbers.
    ["qwen2.5:1.5b", 1.5, 0.9],
    ["qwen3:0.6b", 0.6, 0.36],
    ["gemma3:270m", 0.27, 0.162],
    ["kimi-k2:1t", 1000, 600],
    // Experts.
    ["mixtral:8x7b", 46.48, 27.888],
    ["mixtral:8x22b-instruct-q8_0", 146.08, 156.3056],
    ["qwen3:30b-a3b", 30, 18],
    ["OLMoE-1B-7B-0924-Instruct", 7, 4.2],
    ["gemma3n:e4b", 8, 4.8],
    // How it is packed.
    ["llama3:8b-instruct-q4_K_M", 8, 4.8],
    ["llama3:8b-instruct-q8_0", 8, 8.56],
    ["llama3:8b-instruct-fp16", 8, 16],
    ["llama3:8b-bf16", 8, 16],
    ["llama3:8b-text-f32", 8, 32],
    ["llama3:70b-instruct-q2_K", 70, 28],
    ["llama3:70b-iq3_xxs", 70, 35],
    ["gpt-oss:20b-mxfp4", 20, 12],
    ["hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q6_K_L", 1, 0.82],
    ["Meta-Llama-3.1-70B-Instruct_Q5_K_M", 70, 49.7],
    // The tag goes before the name; neither version, context nor bits are sizes; nor is who owns it.
    ["deepseek-r1:8b-llama-distill-q4_K_M", 8, 4.8],
    ["yi:34b-200k-q4_0", 34, 20.4],
    ["qwen2.5-7b-instruct-1m", 7, 4.2],
    ["qwen2.5-coder-32b:latest", 32, 19.2],
    ["70b-club/phi:3.8b", 3.8, 2.28],
    ["registry.ollama.ai/library/llama3.1:8b", 8, 4.8],
  ] as const
) {
  Deno.test(`the name ${name} tells ${billions} billion parameters and ${gigabytes} GB of weights`, () => {
    const need = guessNeed(name)!;
    equal(need.source, "name");
    ok(Math.abs(need.parameterCount! / 1e9 - billions) < 1e-6, `${need.parameterCount}`);
    ok(Math.abs(need.weightBytes / 1e9 - gigabytes) < 1e-6, `${need.weightBytes}`);
    ok(need.bytes > need.weightBytes, "context and buffers count");
  });
}

for (
  const name of [
    ...[
      "llama3.1",
      "llama3.1:latest",
      "phi:medium-128k",
      "bge-m3",
      "command-r-plus",
      "nomic-embed-text:v1.5",
    ],
    ...[
      "custom:a3b",
      "awq-4bit",
      "model:q4_K_M",
      "qwen2.5:1m",
      "",
      ":",
      "/",
      "x:0b",
      "x:8bx",
      "x:18446744073709551616b",
    ],
    ...["b".repeat(100_000), "8".repeat(100_000), "8x".repeat(50_000)],
  ]
) {
  Deno.test(`the name "${name.slice(0, 30)}" tells nothing`, () => {
    equal(guessNeed(name), undefined);
  });
}

for (
  const [text, want] of [
    ["8.0B", 8e9],
    ["494.03M", 494_030_000],
    ["1.04T", 1.04e12],
    ["22.7m", 22_700_000],
    ["671 B", 671e9],
    ["135K", 135_000],
    ["0B", undefined],
    ["", undefined],
    ["big", undefined],
    ["-7B", undefined],
    ["7B7B", undefined],
    ["9".repeat(400) + "B", undefined],
  ] as const
) {
  Deno.test(`"${text.slice(0, 20)}" parameters are ${want}`, () => {
    equal(parseParameterSize(text), want);
  });
}
