import * as z from "zod";
import { GatewayError } from "../errors.ts";
import { OLLAMA_SAMPLING } from "../llama_server/sampling_args.ts";
import type { ModelParams } from "../ollama/params.ts";
import type { ServedModel } from "./served_model.ts";

/** Ollama's own, which differ from llama-server's. */
const DEFAULTS = { ...OLLAMA_SAMPLING, num_keep: 4, seed: -1, num_predict: -1 } as const;

/** Called as here by llama-server, too. */
const SAME_NAME = [
  ...["seed", "top_k", "top_p", "min_p", "typical_p", "temperature", "repeat_penalty"],
  ...["presence_penalty", "frequency_penalty"],
] as const;

/** An answer without a limit ends after so many contexts. */
const OPEN_ENDED_CONTEXTS = 10;
/** Looked back on where nobody knows the context's size. */
const LONG_LOOK_BACK = 32_768;

// What is wrong with a value is told by the type that Ollama wants.
const integer = z.number("integer").transform(Math.trunc).pipe(z.int("integer")).nullish();
const number = z.number("float32").nullish();
const boolean = z.boolean("boolean").nullish();

const schema = z.object(
  {
    num_ctx: integer,
    num_batch: integer,
    num_gpu: integer,
    main_gpu: integer,
    use_mmap: boolean,
    num_thread: integer,
    draft_num_predict: integer,
    num_keep: integer,
    seed: integer,
    num_predict: integer,
    top_k: integer,
    top_p: number,
    min_p: number,
    typical_p: number,
    repeat_last_n: integer,
    temperature: number,
    repeat_penalty: number,
    presence_penalty: number,
    frequency_penalty: number,
    stop: z.array(z.string("array of strings"), "array").nullish(),
  } satisfies Record<keyof ModelParams, z.ZodType>,
).nullish();

/**
 * Reads a request's `options`; unknown ones are ignored, a fraction given for an integer is cut off, as Ollama does.
 *
 * @throws {GatewayError} `invalid_request` naming the option at fault. Ollama answers 500 to these.
 */
export function decodeOllamaOptions(said: unknown): ModelParams {
  const parsed = schema.safeParse(said);
  if (parsed.success) return withoutNulls(parsed.data ?? {});
  const { path: [name], message } = parsed.error.issues[0]!;
  if (name === undefined) {
    throw new GatewayError("invalid_request", `"options" must be an object`, { field: "options" });
  }
  const place = { field: `options.${String(name)}` };
  throw new GatewayError("invalid_request", `option "${String(name)}" must be of type ${message}`, place);
}

/**
 * The same for llama-server, all explicit: Ollama's defaults, then what is stored with the model, then what the client
 * says. llama-server's own defaults differ, and a model's file may change them. Fits `/v1/chat/completions`, `/completion`
 * and `/infill`. Without a limit the answer ends after ten contexts, as Ollama's do.
 *
 * @param options What the client says.
 * @param model Where it is known.
 */
export function llamaOptions(
  options: ModelParams,
  model: ServedModel | undefined,
): Record<string, unknown> {
  const all = { ...DEFAULTS, ...model?.params, ...options };
  const stop = all.stop?.filter((text) => text !== "") ?? [];
  return {
    ...Object.fromEntries(SAME_NAME.map((name) => [name, all[name]])),
    n_predict: mostTokens(all.num_predict, model?.contextSize),
    n_keep: Math.max(all.num_keep, -1),
    repeat_last_n: all.repeat_last_n < 0 ? model?.contextSize ?? LONG_LOOK_BACK : all.repeat_last_n,
    ...(stop.length > 0 && { stop }),
    cache_prompt: true,
  };
}

/** 0 is no limit at Ollama, too: its own request to llama-server leaves it out. */
function mostTokens(numPredict: number, contextSize: number | undefined): number {
  const limit = contextSize === undefined ? -1 : OPEN_ENDED_CONTEXTS * contextSize;
  if (numPredict <= 0) return limit;
  return limit < 0 ? numPredict : Math.min(numPredict, limit);
}

function withoutNulls(params: Record<string, unknown>): ModelParams {
  return Object.fromEntries(
    Object.entries(params).filter(([, value]) => value !== undefined && value !== null),
  );
}
