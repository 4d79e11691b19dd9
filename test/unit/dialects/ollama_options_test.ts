import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeOllamaOptions, llamaOptions } from "../../../lib/dialects/ollama_options.ts";
import { servedModel } from "../../fixtures/served_model.ts";

Deno.test("options are read as Ollama reads them: fractions cut off, nulls and unknown ones ignored", () => {
  deepEqual(
    decodeOllamaOptions({ num_predict: 7.9, top_k: null, mirostat: 2, whatever: {}, temperature: 0.5 }),
    { num_predict: 7, temperature: 0.5 },
  );
  deepEqual(decodeOllamaOptions(undefined), {});
  deepEqual(decodeOllamaOptions(null), {});
});

for (
  const { option, said, message } of [
    { option: "num_ctx", said: "4096", message: `option "num_ctx" must be of type integer` },
    { option: "seed", said: 1e300, message: `option "seed" must be of type integer` },
    { option: "temperature", said: "hot", message: `option "temperature" must be of type float32` },
    { option: "use_mmap", said: 1, message: `option "use_mmap" must be of type boolean` },
    { option: "stop", said: "end", message: `option "stop" must be of type array` },
    { option: "stop", said: ["end", 5], message: `option "stop" must be of type array of strings` },
  ]
) {
  Deno.test(`the option ${option} is refused as ${JSON.stringify(said)}`, () => {
    const refusal = { code: "invalid_request", field: `options.${option}`, message };
    throws(() => decodeOllamaOptions({ [option]: said }), refusal);
  });
}

Deno.test("options that are no object are refused", () => {
  for (const said of ["x", 5, [], true]) throws(() => decodeOllamaOptions(said), { field: "options" });
});

Deno.test("llama-server is told all of Ollama's defaults", () => {
  deepEqual(llamaOptions({}, servedModel({ contextSize: 4_096 })), {
    seed: -1,
    top_k: 40,
    top_p: 0.9,
    min_p: 0,
    typical_p: 1,
    temperature: 0.8,
    repeat_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    n_predict: 40_960,
    n_keep: 4,
    repeat_last_n: 64,
    cache_prompt: true,
  });
});

Deno.test("what is stored with the model goes before the defaults, and the request before both", () => {
  const model = servedModel({ params: { temperature: 0.1, top_k: 5, stop: ["stored"] } });
  const options = llamaOptions({ temperature: 1.5 }, model);
  deepEqual([options.temperature, options.top_k, options.stop], [1.5, 5, ["stored"]]);
  deepEqual(llamaOptions({ stop: ["mine"] }, model).stop, ["mine"]);
});

for (
  const { name, said, contextSize, want } of [
    { name: "a limit is kept", said: 7, contextSize: 100, want: 7 },
    { name: "without a limit it is ten contexts", said: -1, contextSize: 100, want: 1_000 },
    { name: "a full context is without a limit, too", said: -2, contextSize: 100, want: 1_000 },
    { name: "0 is none for Ollama", said: 0, contextSize: 100, want: 1_000 },
    { name: "more than ten contexts are ten", said: 5_000, contextSize: 100, want: 1_000 },
    { name: "of an unknown context it is llama-server's own", said: -2, contextSize: undefined, want: -1 },
    { name: "a limit is kept without a known context", said: 5_000, contextSize: undefined, want: 5_000 },
  ]
) {
  Deno.test(`num_predict ${said}: ${name}`, () => {
    const model = contextSize === undefined ? undefined : servedModel({ contextSize });
    equal(llamaOptions({ num_predict: said }, model).n_predict, want);
  });
}

Deno.test("to look back on the whole context is told in tokens: llama-server refuses less than none", () => {
  equal(llamaOptions({ repeat_last_n: -1 }, servedModel({ contextSize: 100 })).repeat_last_n, 100);
  equal(llamaOptions({ repeat_last_n: -1 }, undefined).repeat_last_n, 32_768);
  equal(llamaOptions({ num_keep: -5 }, undefined).n_keep, -1);
});

Deno.test("texts that end the answer are never empty", () => {
  deepEqual(llamaOptions({ stop: ["", "a"] }, undefined).stop, ["a"]);
  equal("stop" in llamaOptions({ stop: [""] }, undefined), false);
});

Deno.test("what only a start can change is not told", () => {
  const options = llamaOptions({ num_ctx: 5, num_gpu: 1, use_mmap: true, num_batch: 7 }, undefined);
  deepEqual(Object.keys(options).filter((name) => /num_|mmap/.test(name)), []);
});
