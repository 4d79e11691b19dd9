import * as z from "zod";
import type { AnswerTimes } from "./exchange.ts";
import { noEmbeddings } from "./ollama_loaded.ts";

const answer = z.object({
  data: z.array(z.object({ index: z.number().optional(), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.number().optional() }).optional(),
});

/** How embeddings are to be told. */
export interface EmbedAnswerForm {
  /** The model as the client named it. */
  readonly model: string;
  /** Whether `/api/embeddings` was asked. */
  readonly isLegacy: boolean;
  /** Of each vector so many numbers are wanted; `undefined`: all. */
  readonly dimensions: number | undefined;
  /** How many texts there were. */
  readonly count: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What `/v1/embeddings` answered, as Ollama would.
 *
 * @throws {SyntaxError} If it has not one vector for each text.
 * @see `EmbedResponse` in api/types.go, ollama 0.33: members stand in this order
 */
export function ollamaEmbedding(
  body: Uint8Array,
  { model, isLegacy, dimensions, count }: EmbedAnswerForm,
  times: AnswerTimes,
): Uint8Array<ArrayBuffer> {
  const parsed = answer.safeParse(JSON.parse(decoder.decode(body)));
  if (!parsed.success) throw new SyntaxError("The answer holds no embeddings");
  const { data, usage } = parsed.data;
  if (data.length !== count) {
    throw new SyntaxError(`The answer has ${data.length} embeddings for ${count} texts`);
  }
  const vectors = data.map(({ index, embedding }, at) => ({ index: index ?? at, embedding }))
    .toSorted((one, other) => one.index - other.index).map(({ embedding }) => embedding);
  if (isLegacy) {
    return vectors[0] ? encoder.encode(JSON.stringify({ embedding: vectors[0] })) : noEmbeddings(model, true);
  }
  const embeddings = vectors.map((vector) => float32Text(shortened(vector, dimensions)));
  return encoder.encode(
    `{"model":${JSON.stringify(model)},"embeddings":[${embeddings.join(",")}]` +
      `${durations(times)}${tokenCount(usage?.prompt_tokens)}}`,
  );
}

/** Of length one again, as its beginning is not. */
function shortened(vector: readonly number[], dimensions: number | undefined): readonly number[] {
  if (dimensions === undefined || dimensions >= vector.length) return vector;
  const cut = vector.slice(0, dimensions);
  const length = Math.hypot(...cut);
  return length === 0 ? cut : cut.map((value) => value / length);
}

/** Numbers of 32 bits in as few digits as tell them apart: as 64 bits they would be written twice as long. */
function float32Text(vector: readonly number[]): string {
  return `[${vector.map(shortestText).join(",")}]`;
}

function shortestText(value: number): string {
  const single = Math.fround(value);
  for (const digits of [7, 8]) {
    const text = Number(single.toPrecision(digits));
    if (Math.fround(text) === single) return String(text);
  }
  return String(Number(single.toPrecision(9)));
}

function durations({ elapsedMs, loadMs }: AnswerTimes): string {
  const load = Math.max(nanoseconds(loadMs), 1);
  return `,"total_duration":${Math.max(nanoseconds(elapsedMs()), load)},"load_duration":${load}`;
}

function tokenCount(count = 0): string {
  return count === 0 ? "" : `,"prompt_eval_count":${count}`;
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
