import * as z from "zod";
import { component } from "./component.ts";
import { keepAlive, ollamaStatistics, optionsField, tokenLogprob } from "./model_options.ts";
import { openaiTool } from "./openai_chat.ts";
import { routingField } from "./routing_note.ts";

const images = z.array(z.string()).nullish().describe(
  "Images, or sounds where the model hears: base64 without a prefix.",
);

const toolCall = component(
  "OllamaToolCall",
  z.looseObject({
    id: z.string().optional().describe("What the result refers to."),
    function: z.looseObject({
      index: z.int().optional().describe("Which call it is, from 0."),
      name: z.string().describe("The tool's name."),
      arguments: z.looseObject({}).describe("Its arguments, an object and no text."),
    }).describe("What is called."),
  }).describe("A call of a tool by the model; always whole, also in streams."),
);

const message = component(
  "OllamaMessage",
  z.looseObject({
    role: z.string().describe("system, user, assistant or tool."),
    content: z.string().optional().describe("Its text."),
    thinking: z.string().optional().describe("What an assistant thought before it spoke."),
    images,
    tool_calls: z.array(toolCall).nullish().describe("Of an assistant."),
    tool_name: z.string().optional().describe("Of a tool's result: the tool."),
    tool_call_id: z.string().optional().describe("Of a tool's result: which call it answers."),
  }).describe("One message of a chat."),
);

const inferenceFields = {
  stream: z.boolean().nullish().describe("Whether the answer comes line by line. Default: true."),
  format: z.union([z.literal("json"), z.literal(""), z.looseObject({})]).nullish()
    .describe("json, or the JSON Schema that the answer obeys."),
  think: z.union([z.boolean(), z.enum(["low", "medium", "high", "max"])]).nullish()
    .describe(
      "Whether, or how much, the model thinks before it speaks; only of models that think, which do unless told.",
    ),
  truncate: z.boolean().nullish().describe(
    "Whether what is too long is shortened, and not refused. Default: true.",
  ),
  shift: z.boolean().nullish().describe(
    "Whether the oldest tokens make room for an answer that is too long. Default: true.",
  ),
  logprobs: z.boolean().nullish().describe("Whether the probability of each token is told. Default: false."),
  top_logprobs: z.int().nullish().describe("How many likely tokens are told at each place, too: 0 to 20."),
  options: optionsField,
  keep_alive: keepAlive,
};

export const modelName = z.string().describe("The model's name; latest if it has no tag.");

export const ollamaChatRequest = component(
  "OllamaChatRequest",
  z.looseObject({
    model: modelName,
    messages: z.array(message).nullish().describe(
      "The conversation. Without any the model is loaded, or unloaded by keep_alive 0.",
    ),
    tools: z.array(openaiTool).nullish().describe("What the model may call."),
    ...inferenceFields,
  }).describe("A chat as Ollama has it."),
);

const lineHead = {
  model: z.string().describe("As the request named it."),
  created_at: z.string().describe("When this was said, RFC 3339."),
  done: z.boolean().describe("Whether this is the last line."),
  done_reason: z.string().optional().describe("Of the last line: stop, length, load or unload."),
  logprobs: z.array(tokenLogprob).optional().describe("Only if asked for."),
  ...ollamaStatistics,
  ...routingField,
};

export const ollamaChatLine = component(
  "OllamaChatLine",
  z.object({
    ...lineHead,
    message: message.describe("What is new, or all of it."),
    _debug_info: z.looseObject({}).optional().describe("Only with _debug_render_only: the rendered prompt."),
  }).describe(
    "One line of an answer to a chat, or the whole of it. The last has done: true; a stream that broke ends with an error.",
  ),
);

export const generateRequest = component(
  "OllamaGenerateRequest",
  z.looseObject({
    model: modelName,
    prompt: z.string().nullish().describe(
      "The text. Without any the model is loaded, or unloaded by keep_alive 0.",
    ),
    suffix: z.string().nullish().describe("What comes behind the answer; only models that insert can."),
    system: z.string().nullish().describe("Instead of the model's own system message."),
    template: z.string().nullish().describe(
      "Instead of the model's own, in Go's language; only Ollama nodes can.",
    ),
    context: z.array(z.int()).nullish().describe("What an earlier answer gave: goes on behind it."),
    raw: z.boolean().nullish().describe("Whether the prompt reaches the model as it is. Default: false."),
    images,
    ...inferenceFields,
  }).describe("A prompt as Ollama has it."),
);

export const generateLine = component(
  "OllamaGenerateLine",
  z.object({
    ...lineHead,
    response: z.string().describe("What is new of the text, or all of it."),
    thinking: z.string().optional().describe("What is new of the thoughts."),
    tool_calls: z.array(toolCall).optional().describe("What the model calls."),
    context: z.array(z.int()).optional().describe("Of the last line: what a later request may go on from."),
    _debug_info: z.looseObject({}).optional().describe("Only with _debug_render_only: the rendered prompt."),
  }).describe("One line of an answer to a prompt, or the whole of it."),
);
