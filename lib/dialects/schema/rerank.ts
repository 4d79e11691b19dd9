import * as z from "zod";
import { commonFields, flag } from "./openai_fields.ts";

const texts = z.array(z.string()).min(1);

/** The body of `POST /v1/rerank`; fields that are not known pass. */
export const rerankBody = z.object({
  ...commonFields,
  query: z.string(),
  documents: texts.nullish(),
  texts: texts.nullish(),
  top_n: z.int().nullish(),
  return_text: flag,
}).refine(({ documents, texts }) => documents || texts, {
  path: ["documents"],
  message: "must be a list of texts",
});
