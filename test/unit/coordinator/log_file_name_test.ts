import { equal, match, notEqual } from "node:assert/strict";
import { logFileName } from "../../../lib/coordinator/log_file_name.ts";

for (
  const [key, want] of [
    ["registry.ollama.ai/library/llama3.1:70b", /^coordinator-llama3\.1-70b-[0-9a-f]{8}\.log$/],
    ["/models/My Model (Q4).gguf", /^coordinator-My-Model-Q4-\.gguf-[0-9a-f]{8}\.log$/],
    ["../../etc/passwd", /^coordinator-passwd-[0-9a-f]{8}\.log$/],
    ["..", /^coordinator-\.\.-[0-9a-f]{8}\.log$/],
    ["a\0b\nc", /^coordinator-a-b-c-[0-9a-f]{8}\.log$/],
    ["模型", /^coordinator---[0-9a-f]{8}\.log$/],
    ["", /^coordinator--[0-9a-f]{8}\.log$/],
    [`${"x".repeat(5_000)}`, /^coordinator-x{60}-[0-9a-f]{8}\.log$/],
  ] as const
) {
  Deno.test(`logFileName() names a file for ${JSON.stringify(key.slice(0, 40))}`, () => {
    match(logFileName(key), want);
    equal(logFileName(key), logFileName(key));
  });
}

Deno.test("logFileName() never gives two keys one file", () => {
  notEqual(logFileName("hub/a/m:1"), logFileName("hub/b/m:1"));
  notEqual(logFileName("a b"), logFileName("a-b"));
  notEqual(logFileName("模"), logFileName("型"));
});
