import { deepEqual, equal } from "node:assert/strict";
import { ggufName, parseShardName } from "../../../lib/ollama/gguf_file.ts";

for (
  const [fileName, shard, name] of [
    ["m-00001-of-00003.gguf", { prefix: "m", index: 1, count: 3 }, "m"],
    ["a-b.Q4-00003-of-00003.GGUF", { prefix: "a-b.Q4", index: 3, count: 3 }, "a-b.Q4"],
    ["m-00000-of-00003.gguf", undefined, "m-00000-of-00003"],
    ["m-00004-of-00003.gguf", undefined, "m-00004-of-00003"],
    ["m-1-of-3.gguf", undefined, "m-1-of-3"],
    ["-00001-of-00003.gguf", undefined, "-00001-of-00003"],
    ["llama.gguf", undefined, "llama"],
    ["sha256-abc", undefined, "sha256-abc"],
  ] as const
) {
  Deno.test(`${fileName} is ${shard ? `shard ${shard.index} of ${shard.count}` : "no shard"} of ${name}`, () => {
    deepEqual(parseShardName(fileName), shard);
    equal(ggufName(`/models/${fileName}`), name);
  });
}
