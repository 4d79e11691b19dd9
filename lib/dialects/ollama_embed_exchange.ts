import type { Exchange, ExchangeFor, UpstreamFacts } from "./exchange.ts";
import { EmbedInputs } from "./llama_embed_inputs.ts";
import { roomToldIn } from "./llama_embed_room.ts";
import { LlamaQuestions } from "./llama_questions.ts";
import { ollamaEmbedding } from "./ollama_embed_answer.ts";
import type { OllamaEmbed } from "./ollama_embed_request.ts";
import { noEmbeddings } from "./ollama_loaded.ts";
import { passedTo } from "./pass_through.ts";

const encoder = new TextEncoder();

/**
 * How a request for `/api/embed` or `/api/embeddings` is put to an upstream: to a node as it is, to llama-server
 * translated.
 *
 * @param body What the client sent.
 * @param request What `decodeOllamaEmbed` or `decodeOllamaEmbeddings` made of it.
 */
export function ollamaEmbedExchange(body: Uint8Array<ArrayBuffer>, request: OllamaEmbed): ExchangeFor {
  const { model, texts, isLegacy } = request;
  return async (upstream) => {
    if (upstream.kind === "ollama") {
      const target = isLegacy ? "/api/embeddings" : "/api/embed";
      return passedTo(upstream, { target, body, model, stream: false, format: "ollama" });
    }
    const name = model ?? upstream.model?.name ?? upstream.modelName ?? "";
    if (texts.length === 0) return { given: () => noEmbeddings(name, isLegacy) };
    const questions = new LlamaQuestions(upstream);
    const inputs = await EmbedInputs.measure(texts, {
      ...{ contextSize: upstream.model?.contextSize, truncate: request.truncate },
      tokenize: (text, hasSpecial) => questions.tokenize(text, { hasSpecial }),
    });
    return toLlamaServer(inputs, request, name, upstream);
  };
}

function toLlamaServer(
  inputs: EmbedInputs,
  request: OllamaEmbed,
  name: string,
  upstream: UpstreamFacts,
): Exchange {
  const { isLegacy, dimensions, texts } = request;
  const { modelName } = upstream;
  const body = {
    ...(modelName !== undefined && { model: modelName }),
    input: inputs.said,
    encoding_format: "float",
    ...(isLegacy && { embd_normalize: AS_THEY_ARE }),
  };
  return {
    target: "/v1/embeddings",
    body: encoder.encode(JSON.stringify(body)),
    stream: false,
    format: "openai",
    translateWhole: (said, times) =>
      ollamaEmbedding(said, { model: name, isLegacy, dimensions, count: texts.length }, times),
    afterRefusal: (refusal) => {
      const shorter = inputs.cutTo(roomToldIn(refusal.body));
      return shorter && toLlamaServer(shorter, request, name, upstream);
    },
  };
}

/** llama-server's word for vectors that are not made one long. */
const AS_THEY_ARE = -1;
