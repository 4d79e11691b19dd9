import { deepEqual, equal } from "node:assert/strict";
import { ollamaStatistics } from "../../../lib/dialects/ollama_statistics.ts";

const times = (elapsedMs: number, loadMs: number) => ({ now: () => 0, elapsedMs: () => elapsedMs, loadMs });
const usage = { promptTokens: 22, completionTokens: 3, promptMs: 3.665, completionMs: 1.25 };

Deno.test("times are whole nanoseconds, in Ollama's order", () => {
  const members = ollamaStatistics(usage, times(1_500, 12.5));
  equal(
    members,
    `,"total_duration":1500000000,"load_duration":12500000,"prompt_eval_count":22,"prompt_eval_duration":3665000,` +
      `"eval_count":3,"eval_duration":1250000`,
  );
});

Deno.test("the total is at least the sum of its parts, whatever two clocks say", () => {
  const said = JSON.parse(`{${ollamaStatistics(usage, times(1, 2)).slice(1)}}`);
  equal(said.total_duration, said.load_duration + said.prompt_eval_duration + said.eval_duration);
});

Deno.test("what is not known is absent, and loading takes a moment always", () => {
  deepEqual(JSON.parse(`{${ollamaStatistics({}, times(5, 0)).slice(1)}}`), {
    total_duration: 5_000_000,
    load_duration: 1,
  });
});

Deno.test("an answer of a hundred days has a time", () => {
  const day = 86_400_000;
  const said = JSON.parse(`{${ollamaStatistics({ completionMs: 100 * day }, times(100 * day, 0)).slice(1)}}`);
  equal(said.eval_duration, 100 * day * 1e6);
});
