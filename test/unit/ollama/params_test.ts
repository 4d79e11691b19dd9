import { deepEqual, equal, match } from "node:assert/strict";
import { decodeParams } from "../../../lib/ollama/params.ts";

Deno.test("decodeParams() keeps every option of the right type", () => {
  const json = {
    ...{ num_ctx: 8192, num_gpu: -1, seed: 0, use_mmap: false, temperature: 0.7, top_k: 40 },
    stop: ["<|eot_id|>", ""],
  };
  deepEqual(decodeParams(json), { params: json, warnings: [] });
});

Deno.test("decodeParams() takes null for absent and cuts fractions off integers, as Ollama does", () => {
  deepEqual(decodeParams({ num_ctx: 4096.9, num_predict: -1.5, main_gpu: null, stop: null }), {
    params: { num_ctx: 4096, num_predict: -1 },
    warnings: [],
  });
});

for (
  const [json, warning] of [
    [{ num_ctx: "4096" }, 'param "num_ctx" ignored: want an integer, got "4096"'],
    [{ num_ctx: 1e300 }, 'param "num_ctx" ignored: want an integer, got 1e+300'],
    [JSON.parse('{"temperature": 1e999}'), 'param "temperature" ignored: want a number, got Infinity'],
    [{ temperature: true }, 'param "temperature" ignored: want a number, got true'],
    [{ use_mmap: 1 }, 'param "use_mmap" ignored: want true or false, got 1'],
    [{ stop: "</s>" }, 'param "stop" ignored: want an array of strings, got "</s>"'],
    [{ stop: ["a", 1] }, 'param "stop" ignored: want an array of strings, got an array'],
    [{ top_k: {} }, 'param "top_k" ignored: want an integer, got an object'],
    [{ mirostat: 1 }, 'param "mirostat" ignored: Ollama removed it'],
    [{ nonsense: 1 }, 'param "nonsense" ignored: unknown'],
    [{ toString: 1 }, 'param "toString" ignored: unknown'],
    [JSON.parse('{"__proto__": {"num_ctx": 1}}'), 'param "__proto__" ignored: unknown'],
    [[], "params ignored: want a JSON object, got an array"],
    [null, "params ignored: want a JSON object, got null"],
    ["num_ctx", 'params ignored: want a JSON object, got "num_ctx"'],
  ] as const
) {
  Deno.test(`decodeParams() leaves out ${JSON.stringify(json)} and says why`, () => {
    const decoded = decodeParams(json);
    deepEqual(decoded.params, {});
    equal(decoded.params.num_ctx, undefined);
    deepEqual(decoded.warnings, [warning]);
  });
}

Deno.test("decodeParams() loses one bad option, not its neighbours", () => {
  const { params, warnings } = decodeParams({ top_p: "high", top_k: 20 });
  deepEqual(params, { top_k: 20 });
  match(warnings.join(), /top_p/);
});
