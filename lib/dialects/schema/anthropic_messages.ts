import * as z from "zod";
import { commonFields, flag, number, text } from "./openai_fields.ts";

/** Longer answers than that are counted by nobody. */
const MAX_TOKENS = 2 ** 31 - 1;

const BLOCKS = "must be one of text, image, tool_use, tool_result, thinking";
const NOT_FETCHED =
  "must be base64: what stands elsewhere is not fetched here, so fetch it yourself and send it";

const NOT_RUN =
  "must be custom: nobody here runs Anthropic's own tools; leave it out, or describe a tool of yours";

const base64 = z.string().refine(
  (data) => data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data),
  'must be base64 of a picture, with its padding and without "data:"',
);

const image = z.object({
  type: z.literal("image"),
  source: z.discriminatedUnion("type", [z.object({ type: z.literal("base64"), data: base64 })], {
    error: NOT_FETCHED,
  }),
});

const textBlock = z.object({ type: z.literal("text"), text: z.string() });

/** What a block of another kind would have to be. */
function wantedBlock({ input }: { readonly input?: unknown }): string {
  const isDocument = (input as { type?: unknown } | undefined)?.type === "document";
  return isDocument ? `${BLOCKS}; a document is not read here: send its text` : BLOCKS;
}

/** Text is a list of one block. */
function blocks<T extends z.ZodType>(block: T) {
  return z.preprocess(
    (said) => typeof said === "string" ? [{ type: "text", text: said }] : said,
    z.array(block, "must be text or a list of blocks"),
  );
}

const result = z.object({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: blocks(
    z.discriminatedUnion("type", [textBlock, image], {
      error: "must be text or image: nothing else is read here",
    }),
  ).nullish(),
  is_error: flag,
});

const block = z.discriminatedUnion("type", [
  textBlock,
  image,
  result,
  z.object({
    type: z.literal("tool_use"),
    id: z.string(),
    name: z.string(),
    input: z.looseObject({}),
  }),
  z.object({ type: z.literal("thinking"), thinking: z.string() }),
  z.object({ type: z.literal("redacted_thinking") }),
], { error: wantedBlock });

const tool = z.object({
  type: z.string().refine((type) => type === "custom", NOT_RUN).nullish(),
  name: z.string().min(1),
  description: text,
  input_schema: z.looseObject({}),
});

const prompt = {
  ...commonFields,
  messages: z.array(z.object({
    role: z.enum(["user", "assistant", "system"]),
    content: blocks(block),
  })).min(1),
  system: blocks(textBlock).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z.discriminatedUnion("type", [
    z.object({ type: z.enum(["auto", "any", "none"]) }),
    z.object({ type: z.literal("tool"), name: z.string() }),
  ], { error: "must be one of auto, any, tool, none" }).nullish(),
  thinking: z.object({
    type: z.enum(["enabled", "disabled", "adaptive", "between_tools"]),
    budget_tokens: z.int().nullish(),
  }).nullish(),
  output_config: z.object({
    effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
    format: z.object({ type: z.literal("json_schema"), schema: z.looseObject({}) }).nullish(),
  }).nullish(),
};

/** The body of `POST /v1/messages/count_tokens`; what else it says means nothing here. */
export const countTokensBody = z.object(prompt);

/** The body of `POST /v1/messages`. */
export const messagesBody = z.object({
  ...prompt,
  max_tokens: z.int().min(1).max(MAX_TOKENS).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  temperature: number,
  top_p: number,
  top_k: z.int().nullish(),
});

/** What a request says of its prompt. */
export type CountTokensBody = z.infer<typeof countTokensBody>;
/** All that a request says. */
export type MessagesBody = z.infer<typeof messagesBody>;
