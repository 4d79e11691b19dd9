import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeOllamaEnvelope, parseOllamaBody } from "../../../lib/dialects/ollama_envelope.ts";

Deno.test("what a client leaves out has Ollama's defaults", () => {
  const defaults = {
    model: undefined,
    stream: true,
    keepAliveMs: undefined,
    format: undefined,
    thinking: undefined,
    options: {},
    topLogprobs: undefined,
    truncate: true,
  };
  deepEqual(decodeOllamaEnvelope({}), defaults);
  const nulls = Object.fromEntries(
    ["model", "stream", "keep_alive", "format", "think", "options", "logprobs", "top_logprobs", "truncate"]
      .map((field) => [field, null]),
  );
  deepEqual(decodeOllamaEnvelope(nulls), defaults);
  equal(decodeOllamaEnvelope({ model: "", format: "" }).model, undefined);
});

Deno.test("what a client says is read", () => {
  const schema = { type: "object" };
  const said = {
    model: "m",
    stream: false,
    format: schema,
    think: "high",
    options: { seed: 1 },
    logprobs: true,
    top_logprobs: 3,
    truncate: false,
    unknown: {},
  };
  deepEqual(decodeOllamaEnvelope(said), {
    model: "m",
    stream: false,
    keepAliveMs: undefined,
    format: { schema },
    thinking: "high",
    options: { seed: 1 },
    topLogprobs: 3,
    truncate: false,
  });
});

Deno.test("alternatives are only told with the logarithms, which may come without them", () => {
  equal(decodeOllamaEnvelope({ logprobs: true }).topLogprobs, 0);
  equal(decodeOllamaEnvelope({ top_logprobs: 3 }).topLogprobs, undefined);
  equal(decodeOllamaEnvelope({ logprobs: false, top_logprobs: 3 }).topLogprobs, undefined);
});

for (
  const [said, wantMs] of [
    [0, 0],
    ["0", 0],
    ["0s", 0],
    [300, 300_000],
    [0.5, 500],
    ["300", 300_000],
    ["2h45m", 9_900_000],
    ["1.5h", 5_400_000],
    [".5h", 1_800_000],
    ["+5m", 300_000],
    ["300ms", 300],
    ["1500us", 1.5],
    ["1500µs", 1.5],
    ["1500μs", 1.5],
    ["2000000ns", 2],
    [-1, Infinity],
    ["-1m", Infinity],
    ["-1", Infinity],
    ["9999h", Infinity],
  ] as const
) {
  Deno.test(`a keep_alive of ${JSON.stringify(said)} is ${wantMs} ms`, () => {
    equal(decodeOllamaEnvelope({ keep_alive: said }).keepAliveMs, wantMs);
  });
}

for (
  const { field, said, message } of [
    { field: "model", said: 5, message: /^"model" must be text, not a number$/ },
    { field: "model", said: "m".repeat(2_000), message: /^"model" must have at most 1024 characters$/ },
    { field: "stream", said: "yes", message: /^"stream" must be true or false, not text$/ },
    { field: "keep_alive", said: "soon", message: /"soon" is no keep_alive/ },
    { field: "keep_alive", said: "5 parsecs", message: /keep_alive/ },
    { field: "keep_alive", said: true, message: /must be a duration such as "10m"/ },
    { field: "keep_alive", said: Infinity, message: /keep_alive/ },
    {
      field: "format",
      said: "xml",
      message: /^invalid format: "xml"; expected "json" or a valid JSON Schema/,
    },
    { field: "format", said: 5, message: /^invalid format: 5/ },
    { field: "format", said: [], message: /^invalid format: \[\]/ },
    { field: "think", said: "lots", message: /^invalid think value: "lots" \(must be "high", "medium"/ },
    { field: "think", said: 1, message: /^invalid think value: 1/ },
    { field: "options", said: [], message: /^"options" must be an object$/ },
    { field: "logprobs", said: 1, message: /^"logprobs" must be true or false, not a number$/ },
    { field: "top_logprobs", said: 21, message: /^"top_logprobs" must be between 0 and 20$/ },
    { field: "top_logprobs", said: -1, message: /^"top_logprobs" must be between 0 and 20$/ },
    { field: "top_logprobs", said: 1.5, message: /^"top_logprobs" must be/ },
    { field: "truncate", said: "no", message: /^"truncate" must be true or false, not text$/ },
  ]
) {
  Deno.test(`a ${field} of ${JSON.stringify(said).slice(0, 20)} is refused`, () => {
    throws(() => decodeOllamaEnvelope({ [field]: said }), { code: "invalid_request", field, message });
  });
}

Deno.test("a format or a wish to think is not repeated at length", () => {
  const long = "x".repeat(100_000);
  for (const field of ["format", "think"]) {
    throws(() => decodeOllamaEnvelope({ [field]: long }), (error: Error) => error.message.length < 300);
  }
});

Deno.test("a body that is none is refused", () => {
  throws(() => parseOllamaBody(new Uint8Array(0)), { message: /^missing request body/ });
});
