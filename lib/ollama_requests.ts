import { ollamaChatExchange } from "./dialects/ollama_chat_exchange.ts";
import { decodeOllamaChat } from "./dialects/ollama_chat_request.ts";
import { ollamaDialect, ollamaGenerateDialect } from "./dialects/ollama_dialect.ts";
import { ollamaEmbedDialect } from "./dialects/ollama_embed_dialect.ts";
import { ollamaEmbedExchange } from "./dialects/ollama_embed_exchange.ts";
import { ollamaEmbedParts } from "./dialects/ollama_embed_parts.ts";
import {
  decodeOllamaEmbed,
  decodeOllamaEmbeddings,
  type OllamaEmbed,
} from "./dialects/ollama_embed_request.ts";
import { ollamaGenerateExchange } from "./dialects/ollama_generate_exchange.ts";
import { decodeOllamaGenerate } from "./dialects/ollama_generate_request.ts";
import { noEmbeddings, ollamaLoaded } from "./dialects/ollama_loaded.ts";
import type { AskedInference } from "./gateway.ts";

/** A request that only has its model unloaded. */
export interface AskedUnload {
  /** The model as the client named it, if it did. */
  readonly unloads: string | undefined;
  /** The whole answer, once that is done. */
  answer(model: string, nowMs: number): Uint8Array<ArrayBuffer>;
}

/** What a body asks for. */
export type OllamaAsked = AskedInference | AskedUnload;

/** Reads the bodies of Ollama's requests for inference, by their paths. Each throws {@linkcode GatewayError} for a wrong one. */
export const OLLAMA_REQUESTS: Readonly<
  Record<OllamaTarget, (body: Uint8Array<ArrayBuffer>) => OllamaAsked>
> = {
  "/api/chat": askedChat,
  "/api/generate": askedGenerate,
  "/api/embed": (body) => askedEmbed(body, decodeOllamaEmbed(body)),
  "/api/embeddings": (body) => askedEmbed(body, decodeOllamaEmbeddings(body)),
};

/** Paths of Ollama's API that have a model work. */
export type OllamaTarget = "/api/chat" | "/api/generate" | "/api/embed" | "/api/embeddings";

function askedChat(body: Uint8Array<ArrayBuffer>): OllamaAsked {
  const request = decodeOllamaChat(body);
  const { model, stream, keepAliveMs, turns, isLoad, isUnload } = request;
  if (isUnload) return unload("chat", model);
  return {
    ...{ model, stream, keepAliveMs, turns },
    task: isLoad ? "completion" : "chat",
    dialect: ollamaDialect,
    bodyBytes: body.byteLength,
    exchange: ollamaChatExchange(body, request),
  };
}

function askedGenerate(body: Uint8Array<ArrayBuffer>): OllamaAsked {
  const request = decodeOllamaGenerate(body);
  const { model, stream, keepAliveMs, isRaw, suffix, isLoad, isUnload } = request;
  if (isUnload) return unload("generate", model);
  return {
    ...{ model, stream, keepAliveMs },
    task: isRaw || suffix !== "" || isLoad ? "completion" : "chat", // only a chat needs the model's template
    dialect: ollamaGenerateDialect,
    bodyBytes: body.byteLength,
    exchange: ollamaGenerateExchange(body, request),
  };
}

function askedEmbed(body: Uint8Array<ArrayBuffer>, request: OllamaEmbed): OllamaAsked {
  const { model, keepAliveMs, isUnload, isLegacy } = request;
  if (isUnload) return { unloads: model, answer: (name) => noEmbeddings(name, isLegacy) };
  return {
    ...{ model, keepAliveMs },
    stream: false,
    task: "embedding",
    dialect: ollamaEmbedDialect,
    bodyBytes: body.byteLength,
    exchange: ollamaEmbedExchange(body, request),
    parts: ollamaEmbedParts(body, request),
  };
}

function unload(kind: "chat" | "generate", model: string | undefined): AskedUnload {
  return {
    unloads: model,
    answer: (name, nowMs) => ollamaLoaded({ kind, model: name, reason: "unload" }, nowMs),
  };
}
