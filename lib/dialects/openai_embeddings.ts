import * as z from "zod";
import { valuesOf, withValue } from "./json_bytes.ts";

const answer = z.looseObject({
  data: z.array(z.looseObject({ index: z.number().optional() })),
  usage: z.looseObject({
    prompt_tokens: z.number().optional(),
    total_tokens: z.number().optional(),
  }).optional(),
});

/** An answer with embeddings, as far as it matters here; all else of it passes. */
export interface EmbeddingAnswer {
  /** One for each input. */
  readonly data: readonly { readonly index?: number | undefined; readonly [key: string]: unknown }[];
  /** What was read, where the upstream tells. */
  readonly usage?:
    | { readonly prompt_tokens?: number | undefined; readonly total_tokens?: number | undefined }
    | undefined;
  /** Whatever else it says. */
  readonly [key: string]: unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Makes of a request others for parts of its inputs: every other byte stays as it is. The request is read once, however
 * many parts there are.
 *
 * @param body A JSON object with an `input`; it was parsed before.
 */
export function partsOf(body: Uint8Array): (inputs: readonly unknown[]) => Uint8Array<ArrayBuffer> {
  const places = valuesOf(body, "input");
  return (inputs) => withValue(body, { key: "input", places, value: encoder.encode(JSON.stringify(inputs)) });
}

/** Reads an answer to `POST /v1/embeddings`. @returns `undefined` if it has not one embedding for each input, in their order. */
export function readEmbeddings(body: Uint8Array, inputCount: number): EmbeddingAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
  const { success, data: said } = answer.safeParse(value);
  if (!success || said.data.length !== inputCount) return undefined;
  return said.data.every(({ index }, at) => index === undefined || index === at) ? said : undefined;
}

/** One answer out of those to the parts of a request, in the order of the parts. */
export function joinEmbeddings(parts: readonly EmbeddingAnswer[]): Uint8Array<ArrayBuffer> {
  const data = parts.flatMap((part) => part.data).map((entry, index) => ({ ...entry, index }));
  const usages = parts.flatMap(({ usage }) => usage ?? []);
  const sum = (key: "prompt_tokens" | "total_tokens") =>
    usages.reduce((total, usage) => total + (usage[key] ?? 0), 0);
  const usage = { ...usages[0], prompt_tokens: sum("prompt_tokens"), total_tokens: sum("total_tokens") };
  return encoder.encode(JSON.stringify({ ...parts[0], data, ...(usages.length > 0 && { usage }) }));
}
