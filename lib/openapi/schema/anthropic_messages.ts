import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive } from "./model_options.ts";
import { routingField } from "./routing_note.ts";

const block = component(
  "AnthropicBlock",
  z.looseObject({
    type: z.string().describe("text, image, thinking, tool_use or tool_result."),
    text: z.string().optional().describe("Of a text."),
    thinking: z.string().optional().describe("What the model thought."),
    signature: z.string().optional().describe("Of a thought; not looked at."),
    source: z.looseObject({
      type: z.string().describe("base64. An address is refused: the gateway fetches nothing."),
      media_type: z.string().optional().describe("Such as image/png."),
      data: z.string().optional().describe("Base64."),
    }).optional().describe("Of an image."),
    id: z.string().optional().describe("Of a call: what its result refers to."),
    name: z.string().optional().describe("Of a call: the tool."),
    input: z.unknown().optional().describe("Of a call: its arguments, an object."),
    tool_use_id: z.string().optional().describe("Of a result: which call it answers."),
    content: z.unknown().optional().describe("Of a result: a text, or blocks."),
    is_error: z.boolean().optional().describe("Of a result: whether the tool failed."),
  }).describe("A part of a message."),
);

const messagesFields = {
  model: z.string().optional().describe("The model's name; may be left out where the gateway has a default."),
  messages: z.array(z.looseObject({
    role: z.string().describe("user or assistant."),
    content: z.union([z.string(), z.array(block)]).describe("A text, or blocks."),
  })).min(1).describe("The conversation; if it ends with the assistant, its text goes on."),
  system: z.union([z.string(), z.array(block)]).optional().describe("The system message."),
  tools: z.array(z.looseObject({
    name: z.string().describe("Its name."),
    description: z.string().optional().describe("What it is for."),
    input_schema: z.looseObject({}).optional().describe("JSON Schema of its arguments."),
  })).optional().describe("What the model may call."),
  tool_choice: z.looseObject({
    type: z.string().describe("auto, any, tool or none."),
    name: z.string().optional().describe("With tool: the one that must be called."),
  }).optional().describe("Whether tools may, must or must not be called."),
  thinking: z.looseObject({
    type: z.string().describe("enabled, disabled or adaptive."),
    budget_tokens: z.int().optional().describe("Most tokens of the thoughts."),
  }).optional().describe("Whether the model thinks before it speaks."),
};

export const messagesRequest = component(
  "AnthropicRequest",
  z.looseObject({
    ...messagesFields,
    max_tokens: z.int().optional().describe("Most tokens of the answer."),
    stream: z.boolean().optional().describe("Whether the answer comes as events. Default: false."),
    stop_sequences: z.array(z.string()).optional().describe("Texts that end the answer."),
    temperature: z.number().optional().describe("How freely tokens are chosen."),
    top_p: z.number().optional().describe(
      "Only the likeliest tokens of this much probability are chosen from.",
    ),
    top_k: z.int().optional().describe("Only so many of the likeliest tokens are chosen from."),
    keep_alive: keepAlive,
  }).describe("A chat as Anthropic's Messages API has it. cache_control and metadata mean nothing here."),
);

export const countRequest = component(
  "AnthropicCountRequest",
  z.looseObject(messagesFields).describe("A chat whose tokens are to be counted."),
);

export const countAnswer = component(
  "AnthropicCount",
  z.object({
    input_tokens: z.int().describe("Tokens of the prompt."),
    sollol: z.object({
      is_estimate: z.literal(true).describe("Always."),
      because: z.string().describe("Why nobody counted."),
    }).optional().describe("Only of an estimate: Ollama nodes do not count."),
    ...routingField,
  }).describe("How long a prompt is."),
);

const usage = z.looseObject({
  input_tokens: z.int().optional().describe("Tokens of the prompt, without those from the cache."),
  output_tokens: z.int().optional().describe("Tokens of the answer."),
  cache_read_input_tokens: z.int().nullish().describe("Tokens of the prompt from the cache."),
  cache_creation_input_tokens: z.int().nullish().describe("Always none."),
});

export const messagesAnswer = component(
  "AnthropicMessage",
  z.object({
    id: z.string().describe("Names the answer."),
    type: z.literal("message").describe("What it is."),
    role: z.literal("assistant").describe("Always."),
    model: z.string().describe("As the request named it."),
    content: z.array(block).describe("What the model thought, said and called."),
    stop_reason: z.string().nullable().describe(
      "Why it ended: end_turn, max_tokens, stop_sequence or tool_use.",
    ),
    stop_sequence: z.string().nullish().describe("The text that ended it."),
    usage: usage.describe("What it took."),
    ...routingField,
  }).describe("A whole answer."),
);

export const messagesEvent = component(
  "AnthropicEvent",
  z.looseObject({
    type: z.string().describe(
      "message_start, content_block_start, content_block_delta, content_block_stop, message_delta, message_stop or ping.",
    ),
    index: z.int().optional().describe("Which block it is about, from 0."),
    message: z.looseObject({}).optional().describe("With message_start: the answer, still empty."),
    content_block: block.optional().describe("With content_block_start: the block, still empty."),
    delta: z.looseObject({
      type: z.string().optional().describe(
        "text_delta, thinking_delta, signature_delta or input_json_delta.",
      ),
      text: z.string().optional().describe("What is new of a text."),
      thinking: z.string().optional().describe("What is new of the thoughts."),
      partial_json: z.string().optional().describe("What is new of a call's arguments."),
      stop_reason: z.string().nullish().describe("With message_delta: why it ended."),
    }).optional().describe("What is new."),
    usage: usage.optional().describe("With message_delta: what it took."),
  }).describe("An event: the stream ends with message_stop; one that broke, with error."),
);
