import * as z from "zod";
import { parseKeepAlive } from "../../ollama/keep_alive.ts";
import { parsedBy } from "../../parsed_by.ts";

/** The most answers to one request: as many as OpenAI gives. */
export const MAX_CHOICES = 128;

const keepAlive = z.union(
  [z.string().max(64), z.number()],
  `must be a duration such as "10m", or a number of seconds`,
).transform(parsedBy(parseKeepAlive));

/** What every request says. */
export const commonFields = {
  model: z.string().max(1_024).nullish(),
  stream: z.boolean().nullish(),
  keep_alive: keepAlive.nullish(),
};

/** A number, or nothing; whether it is one that makes sense, the upstream says. */
export const number = z.number().nullish();
/** Text, or nothing. */
export const text = z.string().nullish();
/** Yes, no, or nothing. */
export const flag = z.boolean().nullish();
/** An object, or nothing. */
export const object = z.looseObject({}).nullish();

/** What requests for text say of sampling and length. */
export const samplingFields = {
  temperature: number,
  top_p: number,
  top_k: number,
  min_p: number,
  frequency_penalty: number,
  presence_penalty: number,
  max_tokens: number,
  seed: number,
  stop: z.union([z.string(), z.array(z.string())], "must be text, or a list of texts").nullish(),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  stream_options: z.looseObject({ include_usage: flag }).nullish(),
  logit_bias: z.union([z.looseObject({}), z.array(z.unknown())], "must be an object, or a list").nullish(),
};

/** Whether probabilities are told; llama-server and old clients say by a number how many. */
export const logprobs = z.union([z.boolean(), z.number()], "must be true or false, or a number").nullish();
