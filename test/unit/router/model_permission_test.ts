import { equal, match } from "node:assert/strict";
import { ModelAccess } from "../../../lib/auth/model_access.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { isPermitted, notPermitted } from "../../../lib/router/model_permission.ts";

const NAMES = {
  aliases: { "gpt-4": "llama3.1:70b", "tiny-fast": "llama3.1:70b", "pet": "tiny" },
  keyOf: (name: string) => toWanted(name).key,
};

for (
  const { patterns, model, want } of [
    { patterns: ["tiny"], model: "tiny", want: true },
    { patterns: ["tiny"], model: "TINY:latest", want: true },
    { patterns: ["tiny:latest"], model: "tiny", want: true },
    { patterns: ["tiny"], model: "registry.ollama.ai/library/tiny:latest", want: true },
    { patterns: ["tiny"], model: "tiny:1b", want: false },
    { patterns: ["tiny*"], model: "tiny:1b", want: true },
    { patterns: ["*"], model: "llama3.1:70b", want: true },
    { patterns: ["tiny"], model: "hf.co/evil/tiny", want: false },
    { patterns: ["gpt-4"], model: "llama3.1:70b", want: true }, // the operator named the alias
    { patterns: ["pet"], model: "tiny", want: true },
    { patterns: ["gpt-*"], model: "llama3.1:70b", want: false }, // a pattern is of models
    { patterns: ["tiny*"], model: "llama3.1:70b", want: false }, // though "tiny-fast" stands for it
    { patterns: ["tiny", "llama3.1:70b"], model: "llama3.1:70b", want: true },
  ]
) {
  Deno.test(`a key for ${patterns.join(" and ")} may ${want ? "" : "not "}use ${model}`, () => {
    equal(isPermitted(model, new ModelAccess("k", patterns), NAMES), want);
  });
}

Deno.test("without patterns every model may be used", () => equal(isPermitted("x", undefined, NAMES), true));

Deno.test("a refusal tells no more patterns and no longer names than people read", () => {
  const patterns = Array.from({ length: 9 }, (_, at) => `m${at}`);
  const { code, message } = notPermitted("x".repeat(10_000), new ModelAccess("k", patterns));
  equal(code, "forbidden");
  match(message, /only m0, m1, m2, m3, m4 and 4 more; ask for/);
  equal(message.length < 500, true);
});
