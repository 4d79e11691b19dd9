import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive } from "./model_options.ts";
import { routingField } from "./routing_note.ts";

const item = component(
  "ResponseItem",
  z.looseObject({
    type: z.string().optional().describe("message, function_call, function_call_output or reasoning."),
    id: z.string().optional().describe("Names it."),
    role: z.string().optional().describe("Of a message: who speaks."),
    content: z.union([
      z.string(),
      z.array(z.looseObject({
        type: z.string().describe("input_text, input_image, output_text or reasoning_text."),
        text: z.string().optional().describe("Of a text."),
        image_url: z.string().optional().describe("Of an image: data:image/png;base64,…"),
      })),
    ]).nullish().describe("Of a message: a text, or parts."),
    call_id: z.string().optional().describe("Of a call and of its result: what joins them."),
    name: z.string().optional().describe("Of a call: the tool."),
    arguments: z.string().optional().describe("Of a call: a JSON object as text."),
    output: z.unknown().optional().describe("Of a call's result."),
    status: z.string().optional().describe("Whether it is whole."),
  }).describe("A message, a call, its result, or what the model thought."),
);

export const responsesRequest = component(
  "ResponsesRequest",
  z.looseObject({
    model: z.string().nullish().describe(
      "The model's name; may be left out where the gateway has a default.",
    ),
    input: z.union([z.string(), z.array(item)]).describe(
      "A text, or a conversation. Nothing is kept: it is sent whole.",
    ),
    instructions: z.string().nullish().describe("The system message."),
    stream: z.boolean().nullish().describe("Whether the answer comes as events. Default: false."),
    max_output_tokens: z.int().nullish().describe("Most tokens of the answer."),
    temperature: z.number().nullish().describe("How freely tokens are chosen."),
    top_p: z.number().nullish().describe(
      "Only the likeliest tokens of this much probability are chosen from.",
    ),
    tools: z.array(z.looseObject({
      type: z.string().describe("function; tools that OpenAI runs itself are not to be had."),
      name: z.string().optional().describe("Its name."),
      description: z.string().nullish().describe("What it is for."),
      parameters: z.looseObject({}).nullish().describe("JSON Schema of its arguments."),
    })).nullish().describe("What the model may call."),
    tool_choice: z.union([z.string(), z.looseObject({})]).nullish().describe(
      "Whether tools may, must or must not be called.",
    ),
    text: z.looseObject({
      format: z.looseObject({
        type: z.string().describe("text, json_object or json_schema."),
        schema: z.looseObject({}).optional().describe("The JSON Schema that the answer obeys."),
      }).optional().describe("What kind of text it is."),
    }).nullish().describe("What the answer must look like."),
    reasoning: z.looseObject({
      effort: z.string().nullish().describe("How much the model thinks before it speaks."),
    }).nullish().describe("How the model thinks."),
    previous_response_id: z.null().optional().describe("Must be absent: no conversation is kept here."),
    keep_alive: keepAlive,
  }).describe("A chat in the form of OpenAI's Responses API."),
);

export const responsesAnswer = component(
  "ResponsesAnswer",
  z.looseObject({
    id: z.string().describe("Names the answer."),
    object: z.literal("response").describe("What it is."),
    created_at: z.number().describe("Seconds since 1970."),
    completed_at: z.number().nullish().describe("When it was whole, seconds since 1970."),
    status: z.string().describe("completed, incomplete, in_progress or failed."),
    model: z.string().describe("As the request named it."),
    output: z.array(item).describe("What the model thought, said and called."),
    error: z.looseObject({}).nullish().describe("What went wrong, if something did."),
    incomplete_details: z.looseObject({
      reason: z.string().optional().describe("Such as max_output_tokens."),
    }).nullish().describe("Why it is not whole."),
    usage: z.looseObject({
      input_tokens: z.int().describe("Tokens of the prompt."),
      output_tokens: z.int().describe("Tokens of the answer."),
      total_tokens: z.int().describe("Both."),
    }).nullish().describe("What it took."),
    ...routingField,
  }).describe("A whole answer."),
);

export const responsesEvent = component(
  "ResponsesEvent",
  z.looseObject({
    type: z.string().describe("The event's name, such as response.output_text.delta."),
    sequence_number: z.int().optional().describe("Counts the events."),
    response: z.looseObject({}).optional().describe(
      "Of the first and the last events: the answer as it is then.",
    ),
    item: item.optional().describe("Of an item that begins or is whole."),
    delta: z.string().optional().describe("What is new."),
  }).describe(
    "An event: the stream ends with response.completed or response.incomplete; one that broke, with error.",
  ),
);
