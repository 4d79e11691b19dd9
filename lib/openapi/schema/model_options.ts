import * as z from "zod";
import { component } from "./component.ts";

/** Ollama's options, and what llama-server takes beside OpenAI's fields, by the same names. */
const samplingOptions = {
  temperature: z.number().optional().describe("How freely tokens are chosen; 0 always takes the likeliest."),
  top_k: z.int().optional().describe("Only so many of the likeliest tokens are chosen from."),
  top_p: z.number().optional().describe(
    "Only the likeliest tokens of this much probability are chosen from.",
  ),
  min_p: z.number().optional().describe("The least probability, as a share of that of the likeliest token."),
  typical_p: z.number().optional().describe("Locally typical sampling; 1 is off."),
  seed: z.int().optional().describe("The same seed gives the same answer; -1 is random."),
  repeat_penalty: z.number().optional().describe("Makes what was said before less likely; 1 is off."),
  repeat_last_n: z.int().optional().describe("How far back that looks, tokens; -1 for the whole context."),
  presence_penalty: z.number().optional().describe("Makes tokens that have occurred less likely."),
  frequency_penalty: z.number().optional().describe("The same, the more often they have."),
};

const ollamaOptions = component(
  "OllamaOptions",
  z.looseObject({
    num_predict: z.number().optional().describe("Most tokens of the answer; -1 for no limit."),
    num_keep: z.number().optional().describe("Tokens of the beginning that stay when the context is full."),
    ...samplingOptions,
    stop: z.union([z.string(), z.array(z.string())]).optional().describe("Texts that end the answer."),
    num_ctx: z.number().optional().describe(
      "Tokens of the context. A model that is loaded with another one is loaded anew on an Ollama node; a sharded one " +
        "stays as it is.",
    ),
  }).describe("Options of the model; those that are not said are the model's own, or Ollama's defaults."),
);

export const samplingFields = {
  temperature: samplingOptions.temperature,
  top_p: samplingOptions.top_p,
  seed: samplingOptions.seed,
  presence_penalty: samplingOptions.presence_penalty,
  frequency_penalty: samplingOptions.frequency_penalty,
  stop: z.union([z.string(), z.array(z.string())]).nullish().describe("Texts that end the answer."),
};

export const keepAlive = z.union([z.string(), z.number()]).nullish().describe(
  'For how long the model stays loaded once it is idle: a duration such as "10m", or seconds; negative for ever, 0 unloads.',
);

export const optionsField = ollamaOptions.nullish().describe("What it does otherwise than usual.");

export const ollamaTimes = {
  total_duration: z.int().optional().describe("From the request's arrival to the end of its answer, ns."),
  load_duration: z.int().optional().describe("Waited for the model to load, ns."),
  prompt_eval_count: z.int().optional().describe("Tokens of the prompt; absent for none."),
};

export const ollamaStatistics = {
  ...ollamaTimes,
  prompt_eval_duration: z.int().optional().describe("Time for the prompt without its cached part, ns."),
  eval_count: z.int().optional().describe("Tokens of the answer."),
  eval_duration: z.int().optional().describe("Time for the answer, ns."),
};

const likelyToken = {
  token: z.string().describe("Its text."),
  logprob: z.number().describe("Natural logarithm of its probability."),
  bytes: z.array(z.int()).nullish().describe("Its bytes."),
};

export const tokenLogprob = component(
  "TokenLogprob",
  z.looseObject({
    ...likelyToken,
    top_logprobs: z.array(z.looseObject(likelyToken)).optional().describe(
      "The likeliest tokens at its place.",
    ),
  }).describe("One token and how likely it was."),
);
