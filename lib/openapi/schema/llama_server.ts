import * as z from "zod";
import { component } from "./component.ts";
import { openaiTool } from "./openai_chat.ts";

const model = z.string().nullish().describe(
  "The model's name; may be left out where the gateway has a default.",
);
const tokens = z.array(z.int());

export const tokenizeRequest = component(
  "TokenizeRequest",
  z.looseObject({
    model,
    content: z.string().describe("The text."),
    add_special: z.boolean().nullish().describe(
      "Whether the tokens that begin a text are put in front. Default: false.",
    ),
    parse_special: z.boolean().nullish().describe("Whether special tokens are read as such. Default: true."),
    with_pieces: z.boolean().nullish().describe("Whether each token's text is told too. Default: false."),
  }).describe("A text to be cut into tokens."),
);

export const tokenizeAnswer = component(
  "Tokens",
  z.object({
    tokens: z.union([
      tokens,
      z.array(z.object({
        id: z.int().describe("The token."),
        piece: z.union([z.string(), tokens]).describe("Its text, or its bytes where they are none."),
      })),
    ]).describe("The tokens; with their texts if asked for."),
  }).describe("A text as tokens."),
);

export const detokenizeRequest = component(
  "DetokenizeRequest",
  z.looseObject({ model, tokens: tokens.describe("The tokens.") }).describe("Tokens to be joined."),
);

export const detokenizeAnswer = component(
  "Text",
  z.object({ content: z.string().describe("The text.") }).describe("Tokens as a text."),
);

export const applyTemplateRequest = component(
  "TemplateRequest",
  z.looseObject({
    model,
    messages: z.array(z.looseObject({})).describe("As in a chat."),
    tools: z.array(openaiTool).nullish().describe("As in a chat."),
  }).describe("A chat to be made a prompt."),
);

export const applyTemplateAnswer = component(
  "Prompt",
  z.looseObject({ prompt: z.string().describe("What the model would read.") }).describe(
    "A chat as a prompt.",
  ),
);

export const infillRequest = component(
  "InfillRequest",
  z.looseObject({
    model,
    input_prefix: z.string().optional().describe("What comes before the gap."),
    input_suffix: z.string().optional().describe("What comes behind it."),
    input_extra: z.array(z.looseObject({
      filename: z.string().optional().describe("What it is called."),
      text: z.string().describe("What is in it."),
    })).optional().describe("Other files to be known."),
    prompt: z.string().optional().describe("What has been written into the gap already."),
    n_predict: z.int().optional().describe("Most tokens of the answer."),
    stream: z.boolean().nullish().describe("Whether the answer comes as events. Default: false."),
  }).describe("A gap to be filled; other options are llama.cpp's."),
);

export const infillAnswer = component(
  "Infill",
  z.looseObject({
    content: z.string().describe("The text, or what is new of it."),
    stop: z.boolean().optional().describe("Whether this is the end: the last event of a stream has true."),
    model: z.string().optional().describe("As the request named it."),
    tokens_predicted: z.int().optional().describe("Tokens of the answer."),
    tokens_evaluated: z.int().optional().describe("Tokens of the prompt."),
    stop_type: z.string().optional().describe("Why it ended: eos, limit or word."),
  }).describe("What fills a gap: whole, or one event of a stream; other fields are llama.cpp's."),
);

export const props = component(
  "Props",
  z.looseObject({
    default_generation_settings: z.looseObject({
      n_ctx: z.int().optional().describe("Tokens of one slot."),
    }).optional().describe("What requests get that say nothing else."),
    total_slots: z.int().optional().describe("Requests that it computes at once."),
    model_alias: z.string().optional().describe("The model's name."),
    chat_template: z.string().optional().describe("What makes a prompt of a chat."),
    modalities: z.looseObject({}).optional().describe("Whether it sees and hears."),
    build_info: z.string().optional().describe("Of llama.cpp."),
  }).describe("How a coordinator serves its model; other fields are llama.cpp's."),
);

export const slots = component(
  "Slots",
  z.array(z.looseObject({
    id: z.int().describe("From 0."),
    n_ctx: z.int().optional().describe("Tokens of its context."),
    is_processing: z.boolean().optional().describe("Whether it is at work."),
  })).describe("The slots of a coordinator; other fields are llama.cpp's."),
);
