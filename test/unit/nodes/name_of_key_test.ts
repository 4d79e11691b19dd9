import { equal } from "node:assert/strict";
import { nameOfKey } from "../../../lib/nodes/name_of_key.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

for (
  const [model, name] of [
    ["Llama3.1:8B", "llama3.1:8b"],
    ["me/phi3", "me/phi3:latest"],
    ["hf.co/u/r:Q8_0", "hf.co/u/r:q8_0"],
    ["my model.gguf", "my model.gguf"],
  ] as const
) {
  Deno.test(`the key of ${model} reads ${name}`, () => equal(nameOfKey(toWanted(model).key), name));
}
