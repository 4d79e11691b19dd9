import * as z from "zod";
import { mediaPart } from "./media.ts";
import { commonFields, flag, logprobs, number, object, samplingFields, text } from "./openai_fields.ts";
import { textOrList } from "./text_or_list.ts";

/** Kinds of parts that llama-server or Ollama takes. */
const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  mediaPart("image_url", ["url"]),
  mediaPart("input_audio", ["data", "url"]),
  mediaPart("input_video", ["data", "url"]),
], { error: "must be one of text, image_url, input_audio, input_video" });

const toolCall = z.object({
  id: text,
  type: text,
  function: z.object({
    name: z.string(),
    arguments: z.union([z.string(), z.object({})], "must be text that holds a JSON object"),
  }),
});

const message = z.object({
  role: z.string(),
  content: textOrList(z.array(part), "must be text, a list of parts, or null"),
  name: text,
  reasoning_content: text,
  reasoning: text,
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: text,
});

const tool = z.object({
  type: text,
  function: z.object({ name: z.string(), description: text, parameters: object }).optional(),
});

/** The body of `POST /v1/chat/completions`; fields that are not known pass. */
export const chatBody = z.object({
  ...commonFields,
  ...samplingFields,
  messages: z.array(message).min(1),
  max_completion_tokens: number,
  logprobs,
  top_logprobs: number,
  tools: z.array(tool).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})], `must be text, or an object that names a tool`)
    .nullish(),
  parallel_tool_calls: flag,
  response_format: z.object({ type: text, json_schema: object }).nullish(),
  reasoning_effort: text,
  chat_template_kwargs: object,
});
