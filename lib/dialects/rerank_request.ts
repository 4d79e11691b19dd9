import { invalidField } from "../json_complaint.ts";
import { readJsonBody } from "./json_body.ts";
import type { RequestEnvelope } from "./openai_request.ts";
import { rerankBody } from "./schema/rerank.ts";

/**
 * Reads the envelope of `POST /v1/rerank`, whose answer is never a stream: Jina's form with `documents`, or that of text
 * embeddings inference with `texts`.
 *
 * @throws {GatewayError} `invalid_request` naming the field at fault.
 * @see https://jina.ai/reranker/
 */
export function decodeRerankEnvelope(body: Uint8Array): RequestEnvelope {
  const said = readJsonBody(body, "a model, a query and documents");
  const parsed = rerankBody.safeParse(said);
  if (!parsed.success) throw invalidField(said, parsed.error);
  const { model, keep_alive: keepAliveMs } = parsed.data;
  return { model: model ?? undefined, stream: false, keepAliveMs: keepAliveMs ?? undefined };
}
