import type { ChatUsage } from "./chat.ts";
import type { AnswerTimes } from "./exchange.ts";

/**
 * The members with which Ollama's answers end, a comma before each: times in whole nanoseconds, of which the total is at
 * least the sum of the others. What is not known, or 0, is absent; loading always takes a moment at Ollama.
 *
 * @see `Metrics` in api/types.go, ollama 0.33
 */
export function ollamaStatistics(usage: ChatUsage, times: AnswerTimes): string {
  const load = Math.max(nanoseconds(times.loadMs), 1);
  const prompt = nanoseconds(usage.promptMs ?? 0);
  const answer = nanoseconds(usage.completionMs ?? 0);
  return member("total_duration", Math.max(nanoseconds(times.elapsedMs()), load + prompt + answer)) +
    member("load_duration", load) +
    member("prompt_eval_count", usage.promptTokens ?? 0) +
    member("prompt_eval_duration", prompt) +
    member("eval_count", usage.completionTokens ?? 0) +
    member("eval_duration", answer);
}

function member(name: string, value: number): string {
  return value === 0 ? "" : `,"${name}":${value}`;
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
