import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive, samplingFields, tokenLogprob } from "./model_options.ts";
import { routingField } from "./routing_note.ts";

const contentPart = component(
  "OpenaiContentPart",
  z.looseObject({
    type: z.string().describe("text, image_url or input_audio."),
    text: z.string().optional().describe("Of a text."),
    image_url: z.union([
      z.string(),
      z.looseObject({
        url: z.string().describe(
          "data:image/png;base64,… An address is refused: the gateway fetches nothing.",
        ),
      }),
    ]).optional().describe("Of an image."),
    input_audio: z.looseObject({
      data: z.string().describe("Base64."),
      format: z.string().describe("wav or mp3."),
    }).optional().describe("Of a sound."),
  }).describe("A part of a message."),
);

const toolCall = component(
  "OpenaiToolCall",
  z.looseObject({
    index: z.int().optional().describe(
      "Which call it is, from 0; in streams, the pieces of one call share it.",
    ),
    id: z.string().optional().describe("What the result refers to."),
    type: z.literal("function").optional().describe("Always."),
    function: z.looseObject({
      name: z.string().optional().describe("The tool's name."),
      arguments: z.string().optional().describe("A JSON object as text; in streams, a piece of it."),
    }).describe("What is called."),
  }).describe("A call of a tool by the model; in streams, a piece of one."),
);

const chatMessage = component(
  "OpenaiMessage",
  z.looseObject({
    role: z.string().describe("system, developer, user, assistant or tool."),
    content: z.union([z.string(), z.array(contentPart)]).nullish().describe(
      "A text, or parts of several kinds.",
    ),
    reasoning_content: z.string().nullish().describe("What an assistant thought before it spoke."),
    tool_calls: z.array(toolCall).nullish().describe("Of an assistant."),
    tool_call_id: z.string().optional().describe("Of a tool's result: which call it answers."),
    name: z.string().optional().describe("Of a tool's result: the tool."),
  }).describe("One message of a chat."),
);

export const openaiTool = component(
  "OpenaiTool",
  z.looseObject({
    type: z.literal("function").describe("Always."),
    function: z.looseObject({
      name: z.string().describe("Its name."),
      description: z.string().optional().describe("What it is for."),
      parameters: z.looseObject({}).optional().describe("JSON Schema of its arguments."),
    }).describe("What can be called."),
  }).describe("A tool that the model may call."),
);

const responseFormat = z.looseObject({
  type: z.enum(["text", "json_object", "json_schema"]).describe("What kind of text the answer is."),
  json_schema: z.looseObject({
    name: z.string().optional().describe("For people."),
    schema: z.looseObject({}).optional().describe("The JSON Schema that the answer obeys."),
  }).optional().describe("With json_schema."),
});

const streamOptions = z.looseObject({
  include_usage: z.boolean().nullish().describe("Whether the last chunk tells what the answer took."),
});

export const chatRequest = component(
  "OpenaiChatRequest",
  z.looseObject({
    model: z.string().nullish().describe(
      "The model's name; may be left out where the gateway has a default.",
    ),
    messages: z.array(chatMessage).min(1).describe("The conversation, from the first message to the last."),
    stream: z.boolean().nullish().describe(
      "Whether the answer comes as events, piece by piece. Default: false.",
    ),
    stream_options: streamOptions.nullish().describe("Of a stream."),
    max_tokens: z.number().nullish().describe("Most tokens of the answer."),
    max_completion_tokens: z.number().nullish().describe("The same; goes before max_tokens."),
    ...samplingFields,
    n: z.int().nullish().describe("How many answers are wanted; Ollama nodes give one."),
    tools: z.array(openaiTool).nullish().describe("What the model may call."),
    tool_choice: z.union([z.enum(["auto", "none", "required"]), z.looseObject({})]).nullish()
      .describe("Whether tools may, must or must not be called; an object names the one that must."),
    response_format: responseFormat.nullish().describe("What the answer must look like."),
    reasoning_effort: z.string().nullish().describe(
      "How much the model thinks before it speaks; none: not at all.",
    ),
    logprobs: z.boolean().nullish().describe("Whether the probability of each token is told."),
    top_logprobs: z.int().nullish().describe("How many likely tokens are told at each place, too."),
    keep_alive: keepAlive,
  }).describe("A chat. Fields that are not known here reach the upstream as they are."),
);

const answerMessage = z.looseObject({
  role: z.literal("assistant").describe("Always."),
  content: z.string().nullish().describe("The text; null where only tools are called."),
  reasoning_content: z.string().nullish().describe("What the model thought, as llama-server tells it."),
  reasoning: z.string().nullish().describe("The same, as Ollama tells it."),
  tool_calls: z.array(toolCall).optional().describe("What the model calls."),
});

export const openaiUsage = component(
  "OpenaiUsage",
  z.looseObject({
    prompt_tokens: z.int().describe("Tokens of the prompt, those from the cache included."),
    completion_tokens: z.int().optional().describe("Tokens of the answer."),
    total_tokens: z.int().describe("Both."),
    prompt_tokens_details: z.looseObject({
      cached_tokens: z.int().optional().describe("Of the prompt, those from the cache."),
    }).optional().describe("Only of coordinators."),
  }).describe("What an answer took."),
);

const logprobs = z.looseObject({
  content: z.array(tokenLogprob).nullish().describe("Token by token."),
}).nullish().describe("Only if asked for.");

export const timingsField = {
  timings: z.looseObject({}).optional().describe("llama.cpp's own figures; only of coordinators."),
};

export const answerHead = {
  id: z.string().describe("Names the answer."),
  created: z.int().describe("Seconds since 1970."),
  model: z.string().describe("As the request named it."),
  system_fingerprint: z.string().optional().describe("Of the upstream."),
};

export const finishReason = z.string().nullish().describe("Why it ended: stop, length or tool_calls.");

export const chatAnswer = component(
  "OpenaiChatAnswer",
  z.object({
    ...answerHead,
    object: z.literal("chat.completion").describe("What it is."),
    choices: z.array(z.looseObject({
      index: z.int().describe("Which answer, from 0."),
      message: answerMessage.describe("What the model says."),
      finish_reason: finishReason,
      logprobs,
    })).describe("The answers, usually one."),
    usage: openaiUsage.optional().describe("What it took."),
    ...timingsField,
    ...routingField,
  }).describe("A whole answer to a chat."),
);

export const chatChunk = component(
  "OpenaiChatChunk",
  z.object({
    id: answerHead.id.optional(),
    created: answerHead.created.optional(),
    model: answerHead.model.optional(),
    system_fingerprint: answerHead.system_fingerprint,
    object: z.literal("chat.completion.chunk").optional().describe("What it is."),
    choices: z.array(z.looseObject({
      index: z.int().describe("Which answer, from 0."),
      delta: answerMessage.partial().describe("What is new."),
      finish_reason: finishReason,
      logprobs,
    })).describe("What it adds; empty in the chunk that tells the usage."),
    usage: openaiUsage.nullish().describe("In the last chunk, if asked for."),
    prompt_progress: z.looseObject({}).optional().describe("How far the prompt is read; only if asked for."),
    ...timingsField,
    ...routingField,
  }).describe(
    "One event of a streamed chat. The stream ends with data: [DONE]; one that broke ends with an error instead.",
  ),
);
