import * as z from "zod";
import { commonFields, flag, logprobs, number, object, samplingFields, text } from "./openai_fields.ts";

/** Tokens and texts in one prompt, as llama-server reads it; Ollama says itself that it does not. */
const mixed = z.array(z.union([z.number(), z.string()])).min(1);

/** A prompt with pictures, as llama-server reads it. */
const withMedia = z.object({ prompt_string: z.string(), multimodal_data: z.array(z.string()).nullish() });

/** What a model is to read, one or several; the usual forms first, since a list may be long. */
const prompt = z.union([
  z.string(),
  z.array(z.string()).min(1),
  z.array(z.number()).min(1),
  z.array(z.array(z.number()).min(1)).min(1),
  withMedia,
  mixed,
  z.array(z.union([z.string(), mixed, withMedia])).min(1),
], "must be text, a list of texts, or a list of tokens");

/** The body of `POST /v1/completions`; fields that are not known pass. */
export const completionBody = z.object({
  ...commonFields,
  ...samplingFields,
  prompt,
  suffix: text,
  echo: flag,
  best_of: number,
  logprobs,
  response_format: object,
});

/** The body of `POST /v1/embeddings`; fields that are not known pass. */
export const embeddingBody = z.object({
  ...commonFields,
  input: prompt,
  dimensions: z.int().min(0).nullish(),
  encoding_format: z.string().regex(/^(?:float|base64)$/i, 'must be "float" or "base64"').nullish(),
});
