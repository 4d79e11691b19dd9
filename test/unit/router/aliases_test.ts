import { deepEqual, equal } from "node:assert/strict";
import { fallbacksOf, resolveAlias } from "../../../lib/router/aliases.ts";

const ALIASES = {
  "GPT-4o": "llama3.1:70b",
  "fast": "gpt-3.5",
  "gpt-3.5": "qwen2.5:7b",
  "a": "b",
  "b": "a",
  "self": "self",
  "my model": "phi3",
  ...Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`step${index}`, `step${index + 1}`])),
};

for (
  const [name, want] of [
    ["gpt-4o", "llama3.1:70b"],
    ["GPT-4O:LATEST", "llama3.1:70b"],
    [" gpt-4o ", "llama3.1:70b"],
    ["gpt-4o:mini", "gpt-4o:mini"],
    ["fast", "qwen2.5:7b"],
    ["My Model", "phi3"],
    ["llama3.1:70b", "llama3.1:70b"],
    ["a", "b"],
    ["b", "a"],
    ["self", "self"],
    ["step0", "step8"],
    ["constructor", "constructor"],
    ["__proto__", "__proto__"],
    ["", ""],
  ] as const
) {
  Deno.test(`"${name}" means "${want}"`, () => {
    equal(resolveAlias(name, ALIASES), want);
  });
}

Deno.test("without aliases a name means itself", () => {
  equal(resolveAlias("gpt-4o", {}), "gpt-4o");
});

const FALLBACKS = {
  "Llama3.1:405b": ["llama3.1:70b", "qwen2.5:72b"],
  "llama3.1:70b": ["llama3.1:8b", "llama3.1:405b"],
  "loop": ["loop", "LOOP:latest"],
  "big": ["m1"],
  "many": Array.from({ length: 20 }, (_, index) => `m${index}`),
};

for (
  const [names, want] of [
    [["llama3.1:405B"], ["llama3.1:70b", "qwen2.5:72b", "llama3.1:8b"]],
    [["llama3.1:70b"], ["llama3.1:8b", "llama3.1:405b", "qwen2.5:72b"]],
    [["llama3.1:8b"], []],
    [["loop"], []],
    [["many"], ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]],
    [["constructor"], []],
    [["BIG", "llama3.1:70b"], ["m1", "llama3.1:8b", "llama3.1:405b", "qwen2.5:72b"]],
    [["big", "llama3.1:8b"], ["m1"]],
    [["big", "m1"], []],
    [["gpt-4", "llama3.1:70b"], ["llama3.1:8b", "llama3.1:405b", "qwen2.5:72b"]],
  ] as const
) {
  Deno.test(`where ${names.join(", that is ")} has no capacity, ${want.join(", ") || "nobody"} is asked`, () => {
    deepEqual(fallbacksOf(names, FALLBACKS), want);
  });
}
