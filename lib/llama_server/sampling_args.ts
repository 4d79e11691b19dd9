import type { ModelParams } from "../ollama/params.ts";

/** What Ollama samples with where neither the model nor a request says anything. @see `DefaultOptions` in api/types.go, ollama 0.33 */
export const OLLAMA_SAMPLING = {
  temperature: 0.8,
  top_k: 40,
  top_p: 0.9,
  min_p: 0,
  typical_p: 1,
  repeat_last_n: 64,
  repeat_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
} as const satisfies ModelParams;

const FLAGS = {
  temperature: "--temp",
  top_k: "--top-k",
  top_p: "--top-p",
  min_p: "--min-p",
  typical_p: "--typical",
  repeat_last_n: "--repeat-last-n",
  repeat_penalty: "--repeat-penalty",
  presence_penalty: "--presence-penalty",
  frequency_penalty: "--frequency-penalty",
} as const satisfies Record<keyof typeof OLLAMA_SAMPLING, string>;

/**
 * What a llama-server samples with for requests that do not say: the options stored with its model, over Ollama's own. All
 * are written out, for else the file's `general.sampling.*` keys would decide. Seed, length and stop words have no default.
 *
 * @param contextSize Tokens of one slot: that is what `repeat_last_n: -1` means, which llama-server refuses.
 * @see `common_params_parser_init` in common/arg.cpp of llama.cpp, b11669
 */
export function samplingArgs(params: ModelParams, contextSize: number): string[] {
  const options = { ...OLLAMA_SAMPLING, ...params };
  const { repeat_last_n: lastCount, seed = -1, num_predict: length = -1, stop = [] } = options;
  const looksBack = { ...options, repeat_last_n: lastCount < 0 ? contextSize : lastCount };
  const keys = Object.keys(FLAGS) as (keyof typeof FLAGS)[];
  return [
    ...keys.flatMap((key) => [FLAGS[key], numeral(looksBack[key])]),
    ...(seed < 0 ? [] : ["--seed", numeral(seed)]),
    ...(length < 0 ? [] : ["-n", numeral(length)]),
    // A request's own stop words replace these. An empty one would stop every answer at once.
    ...stop.filter((word) => word !== "").flatMap((word) => ["-r", escaped(word)]),
  ];
}

const MOST = 2 ** 31 - 1;

/** As llama.cpp can read it: it gives up on numbers that its types cannot hold, and on ones that are almost 0. */
function numeral(value: number): string {
  const bounded = Math.min(MOST, Math.max(-MOST, value));
  return String(Number(bounded.toFixed(6)));
}

/** llama-server reads `\n` as the end of a line, and so on. */
function escaped(word: string): string {
  return word.replaceAll("\\", "\\\\");
}
