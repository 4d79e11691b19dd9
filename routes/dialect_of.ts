import { anthropicDialect } from "../lib/dialects/anthropic_dialect.ts";
import type { ClientDialect } from "../lib/dialects/client_dialect.ts";
import { ollamaDialect } from "../lib/dialects/ollama_dialect.ts";
import { openaiDialect } from "../lib/dialects/openai_dialect.ts";

/** Ours, beside Ollama's. */
const OWN = /^\/api\/(?:admin|workers|batch)(?:\/|$)/;

/**
 * The dialect of whoever asks for a path, also for one that is not there.
 *
 * @param headers Of the request: clients of OpenAI's and of Anthropic's API ask for models by the same path.
 */
export function dialectOf(path: string, headers?: Headers): ClientDialect {
  if (/^\/v1\/messages(?:\/|$)/.test(path)) return anthropicDialect;
  if (/^\/v1\/models(?:\/|$)/.test(path) && headers?.has("anthropic-version")) return anthropicDialect;
  return path.startsWith("/api/") && !OWN.test(path) ? ollamaDialect : openaiDialect;
}
