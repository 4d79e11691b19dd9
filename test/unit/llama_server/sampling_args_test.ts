import { deepEqual, equal } from "node:assert/strict";
import { samplingArgs } from "../../../lib/llama_server/sampling_args.ts";
import type { ModelParams } from "../../../lib/ollama/params.ts";

Deno.test("samplingArgs() writes Ollama's defaults out, lest the file's own decide", () => {
  equal(
    samplingArgs({}, 4096).join(" "),
    "--temp 0.8 --top-k 40 --top-p 0.9 --min-p 0 --typical 1 --repeat-last-n 64 --repeat-penalty 1 " +
      "--presence-penalty 0 --frequency-penalty 0",
  );
});

for (
  const { name, params, want } of [
    { name: "an option of the model", params: { temperature: 0.15 }, want: ["--temp", "0.15"] },
    { name: "no look back at all", params: { repeat_last_n: 0 }, want: ["--repeat-last-n", "0"] },
    { name: "-1 as the whole context", params: { repeat_last_n: -1 }, want: ["--repeat-last-n", "4096"] },
    { name: "a seed", params: { seed: 0 }, want: ["--seed", "0"] },
    { name: "a length", params: { num_predict: 128 }, want: ["-n", "128"] },
    { name: "what is almost 0 as 0", params: { min_p: 1e-50 }, want: ["--min-p", "0"] },
    { name: "a number that no type holds", params: { top_k: 2 ** 50 }, want: ["--top-k", "2147483647"] },
    { name: "a negative number", params: { presence_penalty: -0.5 }, want: ["--presence-penalty", "-0.5"] },
  ] as const
) {
  Deno.test(`samplingArgs() passes on ${name}`, () => {
    const args = samplingArgs(params, 4096);
    const at = args.indexOf(want[0]);
    deepEqual(args.slice(at, at + 2), want);
    equal(args.lastIndexOf(want[0]), at, "once");
  });
}

for (
  const { name, params } of [
    { name: "a random seed", params: { seed: -1 } },
    { name: "an answer without limit", params: { num_predict: -1 } },
    { name: "an answer that fills the context", params: { num_predict: -2 } },
    { name: "no stop words", params: { stop: [] } },
    { name: "an empty stop word, which would stop every answer at once", params: { stop: [""] } },
    {
      name: "options that are no sampling",
      params: { num_ctx: 9, num_gpu: 3, use_mmap: false, num_keep: 4 },
    },
  ] satisfies { name: string; params: ModelParams }[]
) {
  Deno.test(`samplingArgs() says nothing of ${name}`, () => {
    deepEqual(samplingArgs(params, 4096), samplingArgs({}, 4096));
  });
}

Deno.test("samplingArgs() repeats -r for each stop word, and writes backslashes so that llama-server reads one", () => {
  const args = samplingArgs({ stop: ["<|im_end|>", "a,b", "c\\n", "two\nlines", "--temp"] }, 4096);
  deepEqual(args.slice(args.indexOf("-r")), [
    ...["-r", "<|im_end|>", "-r", "a,b", "-r", "c\\\\n", "-r", "two\nlines", "-r", "--temp"],
  ]);
});
