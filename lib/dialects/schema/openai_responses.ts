import * as z from "zod";
import { mediaField } from "./media.ts";
import { commonFields, flag, number, object, text } from "./openai_fields.ts";
import { textOrList } from "./text_or_list.ts";

const PARTS = "must be text, or a list of parts";
const ITEMS = "must be text, or a list of items";

/** Of kinds that are not known here the upstream says whether it takes them. */
const part = z.object({
  type: z.string(),
  text,
  image_url: mediaField(["url"]).nullish(),
});

const item = z.object({
  type: text,
  role: text,
  content: textOrList(z.array(part), PARTS),
  output: textOrList(z.array(part), PARTS),
  call_id: text,
  name: text,
  arguments: text,
});

const tool = z.object({ type: z.string(), name: text, description: text, parameters: object });

/** The body of `POST /v1/responses`; fields that are not known pass. */
export const responsesBody = z.object({
  ...commonFields,
  input: textOrList(z.array(item).min(1), ITEMS),
  instructions: text,
  max_output_tokens: number,
  temperature: number,
  top_p: number,
  tools: z.array(tool).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})], "must be text, or an object that names a tool")
    .nullish(),
  parallel_tool_calls: flag,
  text: z.object({ format: z.object({ type: z.string(), schema: object }).nullish() }).nullish(),
  reasoning: z.object({ effort: text }).nullish(),
  previous_response_id: text,
  conversation: z.union([z.string(), z.looseObject({})]).nullish(),
  background: flag,
}).refine(({ input }) => input !== undefined && input !== null, { path: ["input"], message: ITEMS });
