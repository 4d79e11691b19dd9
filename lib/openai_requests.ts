import type { EmbeddingParts } from "./dialects/embedding_parts.ts";
import { chatChoices, completionChoices } from "./dialects/openai_choices.ts";
import { openaiDialect } from "./dialects/openai_dialect.ts";
import {
  type EmbeddingAnswer,
  joinEmbeddings,
  partsOf,
  readEmbeddings,
} from "./dialects/openai_embeddings.ts";
import {
  openaiChatExchange,
  openaiCompletionExchange,
  openaiEmbeddingExchange,
  rerankExchange,
  responsesExchange,
} from "./dialects/openai_exchange.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
  type EmbeddingEnvelope,
} from "./dialects/openai_request.ts";
import { decodeRerankEnvelope } from "./dialects/rerank_request.ts";
import { responsesDialect } from "./dialects/responses_dialect.ts";
import { decodeResponsesEnvelope } from "./dialects/responses_request.ts";
import type { AskedInference } from "./gateway.ts";
import type { BatchEndpoint } from "./tasks/batch.ts";

/** Reads the bodies of OpenAI's requests, by their paths: what of them the gateway is asked. */
export const OPENAI_REQUESTS = {
  "/v1/chat/completions": askedChat,
  "/v1/completions": askedCompletion,
  "/v1/embeddings": askedEmbeddings,
} as const satisfies Record<BatchEndpoint, (body: Uint8Array<ArrayBuffer>) => AskedInference>;

/** Reads the body of `POST /v1/responses`. @throws {GatewayError} `invalid_request` naming the field at fault. */
export function askedResponse(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeResponsesEnvelope(body);
  const { model, stream, keepAliveMs, turns } = envelope;
  const exchange = responsesExchange(body, envelope);
  const asked = { model, stream, keepAliveMs, turns, bodyBytes: body.byteLength, exchange };
  return { ...asked, dialect: responsesDialect, task: "chat" };
}

/** Reads the body of `POST /v1/rerank`, which no Ollama answers. @throws {GatewayError} As {@linkcode askedResponse} does. */
export function askedRanking(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeRerankEnvelope(body);
  const exchange = rerankExchange(body, envelope);
  return {
    ...envelope,
    ...OPENAI,
    task: "rerank",
    only: "llama-server",
    bodyBytes: body.byteLength,
    exchange,
  };
}

function askedChat(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeChatEnvelope(body);
  const { model, stream, keepAliveMs, turns } = envelope;
  const exchange = openaiChatExchange(body, envelope);
  const asked = { model, stream, keepAliveMs, turns, bodyBytes: body.byteLength, exchange };
  return { ...asked, ...OPENAI, task: "chat", choices: chatChoices(body, envelope) };
}

function askedCompletion(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeCompletionEnvelope(body);
  const { model, stream, keepAliveMs } = envelope;
  const exchange = openaiCompletionExchange(body, envelope);
  const asked = { model, stream, keepAliveMs, bodyBytes: body.byteLength, exchange };
  return { ...asked, ...OPENAI, task: "completion", choices: completionChoices(body, envelope) };
}

function askedEmbeddings(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeEmbeddingEnvelope(body);
  const { model, stream, keepAliveMs, inputs } = envelope;
  return {
    ...{ model, stream, keepAliveMs, ...OPENAI, task: "embedding", bodyBytes: body.byteLength },
    exchange: openaiEmbeddingExchange(body, envelope),
    parts: inputs && openaiEmbeddingParts(body, envelope, inputs),
  };
}

function openaiEmbeddingParts(
  body: Uint8Array<ArrayBuffer>,
  envelope: EmbeddingEnvelope,
  inputs: readonly unknown[],
): EmbeddingParts<EmbeddingAnswer> {
  const bodyFor = partsOf(body);
  return {
    inputs,
    exchangeOf: (some) => openaiEmbeddingExchange(bodyFor(some), envelope),
    read: readEmbeddings,
    join: joinEmbeddings,
  };
}

const OPENAI = { dialect: openaiDialect } as const;
