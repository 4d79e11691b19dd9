import * as z from "zod";
import { jsonIn } from "../json_text.ts";
import type { EmbeddingParts } from "./embedding_parts.ts";
import { ollamaEmbedExchange } from "./ollama_embed_exchange.ts";
import type { OllamaEmbed } from "./ollama_embed_request.ts";
import { partsOf } from "./openai_embeddings.ts";

const answer = z.looseObject({
  model: z.unknown().optional(),
  embeddings: z.array(z.unknown()),
  total_duration: z.number().optional(),
  load_duration: z.number().optional(),
  prompt_eval_count: z.number().optional(),
});

/** An answer to `POST /api/embed`, as far as it matters here; all else of it passes. */
export interface OllamaEmbedAnswer {
  /** One for each text. */
  readonly embeddings: readonly unknown[];
  /** Nanoseconds, where the upstream tells. */
  readonly total_duration?: number | undefined;
  /** Of these, for the model. */
  readonly load_duration?: number | undefined;
  /** Tokens that were read, where the upstream tells. */
  readonly prompt_eval_count?: number | undefined;
  /** Whatever else it says. */
  readonly [key: string]: unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A request for `/api/embed` in parts; `undefined` if it has no several texts.
 *
 * @param body What the client sent.
 * @param request What `decodeOllamaEmbed` or `decodeOllamaEmbeddings` made of it.
 */
export function ollamaEmbedParts(
  body: Uint8Array<ArrayBuffer>,
  request: OllamaEmbed,
): EmbeddingParts<OllamaEmbedAnswer> | undefined {
  const { texts } = request;
  if (texts.length < 2) return undefined;
  const bodyFor = partsOf(body);
  return {
    inputs: texts,
    exchangeOf: (some) =>
      ollamaEmbedExchange(bodyFor(some), { ...request, texts: some as readonly string[] }),
    read: readEmbedAnswer,
    join: joinEmbedAnswers,
  };
}

function readEmbedAnswer(body: Uint8Array, count: number): OllamaEmbedAnswer | undefined {
  const said = answer.safeParse(jsonIn(decoder.decode(body))).data;
  return said?.embeddings.length === count ? said : undefined;
}

/** The parts were worked at side by side: it took as long as the longest of them, and all of their tokens. */
function joinEmbedAnswers(parts: readonly OllamaEmbedAnswer[]): Uint8Array<ArrayBuffer> {
  const numbersOf = (key: "total_duration" | "load_duration" | "prompt_eval_count") =>
    parts.flatMap((part) => part[key] ?? []);
  const longest = (numbers: readonly number[]) => Math.max(...numbers);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const [total, load, count] = [
    numbersOf("total_duration"),
    numbersOf("load_duration"),
    numbersOf("prompt_eval_count"),
  ];
  return encoder.encode(JSON.stringify({
    ...parts[0],
    embeddings: parts.flatMap(({ embeddings }) => embeddings),
    ...(total.length > 0 && { total_duration: longest(total) }),
    ...(load.length > 0 && { load_duration: longest(load) }),
    ...(count.length > 0 && { prompt_eval_count: sum(count) }),
  }));
}
