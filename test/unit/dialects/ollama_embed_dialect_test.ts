import { deepEqual } from "node:assert/strict";
import { ollamaDialect } from "../../../lib/dialects/ollama_dialect.ts";
import { ollamaEmbedDialect } from "../../../lib/dialects/ollama_embed_dialect.ts";

const refusal = (error: unknown, status = 500) => ({
  status,
  body: new TextEncoder().encode(JSON.stringify({ error })),
});

for (
  const message of [
    "input (4801 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
    {
      message: "request (9 tokens) exceeds the available context size (8 tokens)",
      n_prompt_tokens: 9,
      n_ctx: 8,
    },
  ]
) {
  Deno.test(`a text that is too long is the client's fault, in Ollama's words: ${JSON.stringify(message)}`, () => {
    const error = typeof message === "string" ? { message } : message;
    const { status, body } = ollamaEmbedDialect.refusal(refusal(error), "id");
    deepEqual([status, new TextDecoder().decode(body)], [
      400,
      `{"error":"the input length exceeds the context length"}`,
    ]);
  });
}

Deno.test("other refusals are told as everywhere", () => {
  for (const said of [refusal({ message: "Loading model" }, 503), refusal("model 'm' not found", 404)]) {
    deepEqual(ollamaEmbedDialect.refusal(said, "id"), ollamaDialect.refusal(said, "id"));
  }
});
