import { deepEqual } from "node:assert/strict";
import { readUpstreamError } from "../../../lib/dialects/upstream_error.ts";

const TOO_LONG = { message: "too long", type: "exceed_context_size_error", n_prompt_tokens: 9, n_ctx: 8 };

/** What each form says: message, type, tokens of the prompt and of the room. */
const FORMS: readonly [string, unknown, readonly unknown[]][] = [
  ["Ollama's", { error: "no" }, ["no", undefined, undefined, undefined]],
  ["OpenAI's", { error: { message: "no", type: "x" } }, ["no", "x", undefined, undefined]],
  ["llama-server's", { error: { code: 400, ...TOO_LONG } }, ["too long", TOO_LONG.type, 9, 8]],
  ["llama-server's in an event", { code: 500, message: "no", type: "server_error" }, [
    "no",
    "server_error",
    undefined,
    undefined,
  ]],
  ["JSON in Ollama's text", { error: JSON.stringify({ error: TOO_LONG }) }, [
    "too long",
    TOO_LONG.type,
    9,
    8,
  ]],
  [
    "JSON in OpenAI's message",
    { error: { message: JSON.stringify({ error: TOO_LONG }), type: "api_error" } },
    [
      "too long",
      TOO_LONG.type,
      9,
      8,
    ],
  ],
  ["JSON in text that is cut off", { error: '{"error":{"mess' }, [
    '{"error":{"mess',
    undefined,
    undefined,
    undefined,
  ]],
  ["none", {}, ["", undefined, undefined, undefined]],
  ["no object", [1], ["", undefined, undefined, undefined]],
  ["fields of other types", { error: { message: 1, type: [], n_ctx: "8" } }, [
    "",
    undefined,
    undefined,
    undefined,
  ]],
];

for (const [form, said, want] of FORMS) {
  Deno.test(`the error of an upstream is read in this form: ${form}`, () => {
    for (const body of [JSON.stringify(said), new TextEncoder().encode(JSON.stringify(said))]) {
      const { message, type, promptTokens, contextSize } = readUpstreamError(body);
      deepEqual([message, type, promptTokens, contextSize], want);
    }
  });
}

Deno.test("what is no JSON says nothing", () => {
  for (const body of ["", "<html>", "{"]) deepEqual(readUpstreamError(body).message, "");
});
