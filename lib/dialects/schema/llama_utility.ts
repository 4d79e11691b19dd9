import * as z from "zod";
import { commonFields, flag, number, object } from "./openai_fields.ts";

const tokens = z.array(z.int().min(0), "must be a list of tokens");
const content = z.union(
  [z.string(), z.array(z.union([z.string(), z.int()]))],
  "must be text, or a list of texts and tokens",
);

/** The body of `POST /tokenize`; fields that are not known pass. */
export const tokenizeBody = z.object({
  ...commonFields,
  content,
  add_special: flag,
  parse_special: flag,
  with_pieces: flag,
});

/** The body of `POST /detokenize`; fields that are not known pass. */
export const detokenizeBody = z.object({ ...commonFields, tokens });

/** The body of `POST /apply-template`; fields that are not known pass. */
export const templateBody = z.object({
  ...commonFields,
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  tools: z.array(z.looseObject({})).nullish(),
  chat_template_kwargs: object,
});

/** The body of `POST /infill`; fields that are not known pass. */
export const infillBody = z.object({
  ...commonFields,
  input_prefix: z.string(),
  input_suffix: z.string(),
  input_extra: z.array(z.looseObject({ text: z.string() })).nullish(),
  n_predict: number,
  temperature: number,
});
