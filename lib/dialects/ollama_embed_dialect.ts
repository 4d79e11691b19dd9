import type { ClientDialect } from "./client_dialect.ts";
import { roomToldIn } from "./llama_embed_room.ts";
import { ollamaDialect } from "./ollama_dialect.ts";

const encoder = new TextEncoder();

/** Ollama's words for a text that is too long; clients look for them. */
export const EMBED_TOO_LONG = "the input length exceeds the context length";

/** How Ollama's clients are spoken to that ask for embeddings. */
export const ollamaEmbedDialect: ClientDialect = {
  ...ollamaDialect,
  refusal: (refusal, requestId) => {
    if (roomToldIn(refusal.body) === undefined) return ollamaDialect.refusal(refusal, requestId);
    return { status: 400, body: encoder.encode(JSON.stringify({ error: EMBED_TOO_LONG })) };
  },
};
