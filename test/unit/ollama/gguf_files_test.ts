import { equal } from "node:assert/strict";
import { ggufName } from "../../../lib/ollama/gguf_files.ts";

for (
  const [fileName, name] of [
    ["m-00001-of-00003.gguf", "m"],
    ["a-b.Q4-00003-of-00003.gguf", "a-b.Q4"],
    ["m-00000-of-00003.gguf", "m-00000-of-00003"],
    ["m-00004-of-00003.gguf", "m-00004-of-00003"],
    ["m-1-of-3.gguf", "m-1-of-3"],
    ["-00001-of-00003.gguf", "-00001-of-00003"],
    ["m-00001-of-00003.GGUF", "m-00001-of-00003"], // llama.cpp finds the other shards only by the suffix .gguf
    ["llama.gguf", "llama"],
    ["llama.GGUF", "llama"],
    ["sha256-abc", "sha256-abc"],
  ] as const
) {
  Deno.test(`the model in ${fileName} is ${name}`, () => equal(ggufName(`/models/${fileName}`), name));
}
