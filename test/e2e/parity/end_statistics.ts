import type { OllamaAnswer } from "../../fixtures/ollama_node/transcript.ts";
import { linesOf } from "./answer_form.ts";

interface Statistics {
  readonly done_reason?: string;
  readonly total_duration?: number;
  readonly load_duration?: number;
  readonly prompt_eval_count?: number;
  readonly prompt_eval_duration?: number;
  readonly eval_count?: number;
  readonly eval_duration?: number;
}

const FIGURES = [
  "total_duration",
  "load_duration",
  "prompt_eval_count",
  "prompt_eval_duration",
  "eval_count",
  "eval_duration",
] as const;

/**
 * What is wrong with the statistics of an answer, beside those that a real Ollama gave to the same request. That the same
 * members are there is a matter of the form.
 *
 * @param isSamePrompt Whether both had the model read the very same text.
 */
export function statisticsTroubles(
  answer: OllamaAnswer,
  recorded: OllamaAnswer,
  { isSamePrompt }: { readonly isSamePrompt: boolean },
): string[] {
  const [told, real] = [lastOf(answer), lastOf(recorded)];
  if (told?.total_duration === undefined || real === undefined) return [];
  const troubles = FIGURES.filter((figure) => told[figure] !== undefined)
    .filter((figure) => !Number.isSafeInteger(told[figure]) || told[figure]! <= 0)
    .map((figure) => `${figure} is ${told[figure]}`);
  const parts = (told.load_duration ?? 0) + (told.prompt_eval_duration ?? 0) + (told.eval_duration ?? 0);
  if (told.total_duration < parts) troubles.push(`its parts take ${parts} ns of ${told.total_duration}`);
  const isCut = told.done_reason === "length" && real.done_reason === "length";
  if (isCut && told.eval_count !== real.eval_count) troubles.push(notAlike("eval_count"));
  if (isSamePrompt && told.prompt_eval_count !== real.prompt_eval_count) {
    troubles.push(notAlike("prompt_eval_count"));
  }
  return troubles;

  function notAlike(figure: "eval_count" | "prompt_eval_count"): string {
    return `${figure} is ${told![figure]}, Ollama's is ${real![figure]}`;
  }
}

function lastOf({ status, body }: OllamaAnswer): Statistics | undefined {
  if (status !== 200) return undefined;
  try {
    return JSON.parse(linesOf(body).at(-1) ?? "");
  } catch {
    return undefined;
  }
}
