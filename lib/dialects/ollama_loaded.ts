import type { GivenAnswer } from "./exchange.ts";

/** What Ollama answers where a model was only to be loaded or unloaded; embeddings have no reason, and no time. */
export interface OllamaLoaded {
  /** What was asked for. */
  readonly kind: "chat" | "generate";
  /** The model as the client named it. */
  readonly model: string;
  /** What was done. */
  readonly reason: "load" | "unload";
}

const encoder = new TextEncoder();

/** The whole answer, JSON; it is never a stream. @param nowMs Since 1970. */
export function ollamaLoaded({ kind, model, reason }: OllamaLoaded, nowMs: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify({
    model,
    created_at: new Date(nowMs).toISOString(),
    ...(kind === "chat" ? { message: { role: "assistant", content: "" } } : { response: "" }),
    done: true,
    done_reason: reason,
  }));
}

/** The same as the answer to a request that needs its model, and nothing else. */
export function onlyLoaded(loaded: OllamaLoaded): GivenAnswer {
  return { given: (times) => ollamaLoaded(loaded, times.now()) };
}

/** The same for a request for no embeddings. @param isLegacy Whether `/api/embeddings` was asked. */
export function noEmbeddings(model: string, isLegacy: boolean): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(isLegacy ? { embedding: [] } : { model, embeddings: [] }));
}
