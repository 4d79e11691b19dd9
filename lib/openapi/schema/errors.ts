import * as z from "zod";
import { component } from "./component.ts";

export const openaiError = component(
  "OpenaiError",
  z.object({
    error: z.object({
      message: z.string().describe("What could not be done, the numbers, and what to do."),
      type: z.string().describe("What OpenAI's SDKs branch on, such as invalid_request_error."),
      param: z.string().nullable().optional().describe("The field at fault, such as messages."),
      code: z.union([z.string(), z.number()]).nullable().optional().describe(
        "What kind of failure it is, such as model_not_found.",
      ),
      request_id: z.string().optional().describe("Finds the request in the log."),
      tokens_delivered: z.int().optional().describe("Of a stream that broke: tokens that the client has."),
      n_prompt_tokens: z.int().optional().describe("Of a prompt that is too long: its tokens."),
      n_ctx: z.int().optional().describe("Of a prompt that is too long: tokens that there is room for."),
    }).describe("What went wrong."),
  }).describe("An error as OpenAI tells it."),
);

export const ollamaError = component(
  "OllamaError",
  z.object({
    error: z.string().describe("What could not be done, the numbers, and what to do."),
    status: z.string().optional().describe("The same, for a missing key: Ollama's CLI reads it here."),
  }).describe("An error as Ollama tells it; the last line of a stream that broke."),
);

export const anthropicError = component(
  "AnthropicError",
  z.object({
    type: z.literal("error").describe("Always."),
    error: z.object({
      type: z.string().describe("What Anthropic's SDKs branch on, such as invalid_request_error."),
      message: z.string().describe("What could not be done, the numbers, and what to do."),
      details: z.object({
        error_code: z.string().describe("What kind of failure it is, such as model_not_found."),
        field: z.string().optional().describe("The field at fault, such as messages."),
        tokens_delivered: z.int().optional().describe("Of a stream that broke: tokens that the client has."),
      }).optional().describe("What else is known."),
    }).describe("What went wrong."),
    request_id: z.string().optional().describe("Finds the request in the log."),
  }).describe("An error as Anthropic tells it; the data of a stream's last event, `error`, when it broke."),
);
