import { equal, ok } from "node:assert/strict";
import { AllowedModels } from "../../../lib/nodes/allowed_models.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

for (
  const { patterns, model, isAllowed } of [
    { patterns: [], model: "llama3.1:8b", isAllowed: true },
    { patterns: ["*"], model: "llama3.1:8b", isAllowed: true },
    { patterns: ["llama3.1:8b"], model: "llama3.1:8b", isAllowed: true },
    { patterns: ["LLAMA3.1:8B"], model: "llama3.1:8b", isAllowed: true },
    { patterns: ["llama3.1:8b"], model: "llama3x1:8b", isAllowed: false },
    { patterns: ["llama3.1"], model: "llama3.1:8b", isAllowed: false },
    { patterns: ["llama3.1"], model: "llama3.1:latest", isAllowed: true },
    { patterns: ["llama3.1:latest"], model: "llama3.1", isAllowed: true },
    { patterns: ["llama*"], model: "codellama:7b", isAllowed: false },
    { patterns: ["*llama*"], model: "codellama:7b", isAllowed: true },
    { patterns: ["qwen*", "*:7b"], model: "codellama:7b", isAllowed: true },
    { patterns: ["hf.co/*:q4_k_m"], model: "hf.co/u/r:Q4_K_M", isAllowed: true },
    { patterns: ["registry.ollama.ai/library/*"], model: "llama3", isAllowed: true },
    { patterns: ["registry.ollama.ai/library/*"], model: "hf.co/u/r:Q8_0", isAllowed: false },
    { patterns: ["(a|b)"], model: "a", isAllowed: false },
    { patterns: [""], model: "a", isAllowed: false },
  ]
) {
  Deno.test(`[${patterns}] ${isAllowed ? "allows" : "does not allow"} ${model}`, () => {
    const allowed = new AllowedModels(patterns);
    equal(allowed.allows(toWanted(model).key), isAllowed);
    equal(allowed.allows(toWanted(model).key), isAllowed); // as remembered
  });
}

Deno.test("what is no model name is compared as it stands", () => {
  ok(new AllowedModels(["my model.gguf"]).allows("my model.gguf"));
});

Deno.test("a name that a client chose cannot make the gateway stand still", () => {
  const allowed = new AllowedModels(["*-*-*-*-*-*q4*"]); // far beyond the patience of any test by going back
  equal(allowed.allows("-".repeat(1_024)), false);
});
