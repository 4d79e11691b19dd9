import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeOllamaGenerate } from "../../../lib/dialects/ollama_generate_request.ts";
import { GatewayError } from "../../../lib/errors.ts";

const decode = (said: unknown) =>
  decodeOllamaGenerate(new TextEncoder().encode(typeof said === "string" ? said : JSON.stringify(said)));

Deno.test("all that a request may say is read, and what nobody knows passes", () => {
  const request = decode({
    model: "m",
    prompt: "p",
    suffix: "s",
    system: "you",
    template: "{{ .Prompt }}",
    context: [1, 2],
    format: "json",
    options: { temperature: 0, num_predict: 5 },
    think: "low",
    truncate: false,
    shift: true,
    logprobs: true,
    top_logprobs: 3,
    keep_alive: "5m",
    stream: false,
    whatever: { a: 1 },
  });
  deepEqual(request, {
    model: "m",
    prompt: "p",
    suffix: "s",
    system: "you",
    template: "{{ .Prompt }}",
    context: [1, 2],
    isRaw: false,
    media: [],
    format: "json",
    options: { temperature: 0, num_predict: 5 },
    thinking: "low",
    truncate: false,
    topLogprobs: 3,
    keepAliveMs: 300_000,
    stream: false,
    isLoad: false,
    isUnload: false,
  });
});

Deno.test("nothing but a prompt: a stream, and all else as usual", () => {
  const { stream, truncate, isRaw, context, format, thinking, topLogprobs, keepAliveMs } = decode({
    prompt: "p",
  });
  deepEqual({ stream, truncate, isRaw }, { stream: true, truncate: true, isRaw: false });
  deepEqual([context, format, thinking, topLogprobs, keepAliveMs], Array(5).fill(undefined));
});

Deno.test("null is as if it were not said", () => {
  const said = [
    "model",
    "prompt",
    "suffix",
    "system",
    "template",
    "context",
    "raw",
    "images",
    "options",
    "stream",
  ];
  const request = decode(Object.fromEntries(said.map((key) => [key, null])));
  deepEqual([request.model, request.prompt, request.isLoad], [undefined, "", true]);
});

for (
  const { said, isLoad, isUnload } of [
    { said: {}, isLoad: true, isUnload: false },
    { said: { prompt: "" }, isLoad: true, isUnload: false },
    { said: { prompt: "", keep_alive: "5m" }, isLoad: true, isUnload: false },
    { said: { keep_alive: 0 }, isLoad: false, isUnload: true },
    { said: { prompt: "", keep_alive: "0s", stream: true }, isLoad: false, isUnload: true },
    { said: { prompt: "p", keep_alive: 0 }, isLoad: false, isUnload: false },
  ]
) {
  const what = isLoad ? "a load" : isUnload ? "an unload" : "a prompt";
  Deno.test(`${JSON.stringify(said)} is ${what}`, () => {
    const request = decode({ model: "m", ...said });
    deepEqual([request.isLoad, request.isUnload], [isLoad, isUnload]);
    equal(request.stream, what === "a prompt");
  });
}

Deno.test("pictures are told by their first bytes, with or without padding", () => {
  const png = "iVBORw0KGgo";
  deepEqual(decode({ prompt: "p", images: [png] }).media, [{ type: "image/png", base64: `${png}=` }]);
});

for (
  const { said, field, why } of [
    { said: "", field: undefined, why: /missing request body/ },
    { said: "[]", field: undefined, why: /JSON object/ },
    { said: "{", field: undefined, why: /not valid JSON/ },
    { said: { prompt: 5 }, field: "prompt", why: /must be text/ },
    { said: { model: ["m"] }, field: "model", why: /must be text/ },
    { said: { prompt: "p", stream: "yes" }, field: "stream", why: /true or false/ },
    { said: { prompt: "p", raw: "yes" }, field: "raw", why: /true or false/ },
    { said: { prompt: "p", context: ["a"] }, field: "context[0]", why: /number/ },
    { said: { prompt: "p", context: [1.5] }, field: "context[0]", why: /whole number/ },
    { said: { prompt: "p", context: [-1] }, field: "context[0]", why: /at least 0/ },
    { said: { prompt: "p", images: ["%%"] }, field: "images[0]", why: /illegal base64/ },
    { said: { prompt: "p", images: [""] }, field: "images[0]", why: /empty/ },
    { said: { prompt: "p", images: "aGk=" }, field: "images", why: /list/ },
    { said: { prompt: "p", top_logprobs: 21 }, field: "top_logprobs", why: /between 0 and 20/ },
    { said: { prompt: "p", keep_alive: {} }, field: "keep_alive", why: /duration/ },
    { said: { prompt: "p", think: "x" }, field: "think", why: /invalid think value/ },
    { said: { prompt: "p", format: "xml" }, field: "format", why: /invalid format/ },
    { said: { prompt: "p", options: { top_k: "a" } }, field: "options.top_k", why: /must be of type/ },
    ...["system", "template"].map((key) => ({
      said: { prompt: "p", raw: true, [key]: "x" },
      field: "raw",
      why: /^raw mode does not support template, system, or context$/,
    })),
    { said: { prompt: "p", raw: true, context: [1] }, field: "raw", why: /^raw mode does not/ },
  ]
) {
  Deno.test(`${JSON.stringify(said)} is refused, and its field named`, () => {
    throws(() => decode(said), (error: unknown) => {
      equal(error instanceof GatewayError && error.code, "invalid_request");
      equal((error as GatewayError).field, field);
      equal(why.test((error as GatewayError).message), true, (error as GatewayError).message);
      return true;
    });
  });
}
