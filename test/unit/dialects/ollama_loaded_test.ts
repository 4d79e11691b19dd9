import { equal } from "node:assert/strict";
import { noEmbeddings, ollamaLoaded } from "../../../lib/dialects/ollama_loaded.ts";

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const NOW_MS = Date.UTC(2026, 10, 21, 21, 0, 0, 5);

Deno.test("a load or unload is told in the words of what was asked, in Ollama's order", () => {
  const head = `{"model":"a\\"b","created_at":"2026-11-21T21:00:00.005Z",`;
  equal(
    decode(ollamaLoaded({ kind: "generate", model: 'a"b', reason: "load" }, NOW_MS)),
    `${head}"response":"","done":true,"done_reason":"load"}`,
  );
  equal(
    decode(ollamaLoaded({ kind: "chat", model: 'a"b', reason: "unload" }, NOW_MS)),
    `${head}"message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"}`,
  );
});

Deno.test("no embeddings are an empty list", () => {
  equal(decode(noEmbeddings("m", false)), `{"model":"m","embeddings":[]}`);
  equal(decode(noEmbeddings("m", true)), `{"embedding":[]}`);
});
