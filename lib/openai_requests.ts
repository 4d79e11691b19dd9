import { openaiDialect } from "./dialects/openai_dialect.ts";
import { partsOf } from "./dialects/openai_embeddings.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
} from "./dialects/openai_request.ts";
import { passThrough } from "./dialects/pass_through.ts";
import type { AskedInference } from "./gateway.ts";
import type { BatchEndpoint } from "./tasks/batch.ts";

/** Reads the bodies of OpenAI's requests, by their paths: what of them the gateway is asked. */
export const OPENAI_REQUESTS = {
  "/v1/chat/completions": askedChat,
  "/v1/completions": askedCompletion,
  "/v1/embeddings": askedEmbeddings,
} as const satisfies Record<BatchEndpoint, (body: Uint8Array<ArrayBuffer>) => AskedInference>;

function askedChat(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeChatEnvelope(body);
  const { model, stream } = envelope;
  const exchange = passThrough({ target: "/v1/chat/completions", body, model, stream, format: "openai" });
  return { ...envelope, ...OPENAI, task: "chat", bodyBytes: body.byteLength, exchange };
}

function askedCompletion(body: Uint8Array<ArrayBuffer>): AskedInference {
  const envelope = decodeCompletionEnvelope(body);
  const { model, stream } = envelope;
  const exchange = passThrough({ target: "/v1/completions", body, model, stream, format: "openai" });
  return { ...envelope, ...OPENAI, task: "completion", bodyBytes: body.byteLength, exchange };
}

function askedEmbeddings(body: Uint8Array<ArrayBuffer>): AskedInference {
  const { inputs, ...envelope } = decodeEmbeddingEnvelope(body);
  const exchangeOf = (of: Uint8Array<ArrayBuffer>) =>
    passThrough({
      target: "/v1/embeddings",
      body: of,
      model: envelope.model,
      stream: false,
      format: "openai",
    });
  const bodyFor = inputs && partsOf(body);
  return {
    ...envelope,
    ...OPENAI,
    task: "embedding",
    bodyBytes: body.byteLength,
    exchange: exchangeOf(body),
    parts: inputs && { inputs, exchangeOf: (some) => exchangeOf(bodyFor!(some)) },
  };
}

const OPENAI = { dialect: openaiDialect } as const;
