import { deepEqual, equal, ok } from "node:assert/strict";
import { countEnds } from "./ask.ts";
import { rush } from "./crowd.ts";
import { answersByModel, compete } from "./swaps.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("100 clients that ask for a cold model at once share one load, and each has its whole answer", async (programs) => {
  const { replies, loadCount } = await rush(programs, 100);
  deepEqual(countEnds(replies), { whole: 100 });
  equal(loadCount, 1);
});

test("two models that compete for one rpc backend are both served, and swapped no oftener than swap_wait allows", async (programs) => {
  const { replies, swapCount, swapLimit } = await compete(programs, { durationMs: 8_000, swapWaitMs: 1_000 });
  deepEqual(countEnds(replies), { whole: replies.length });
  ok(swapCount >= 2, `only ${swapCount} swaps`);
  ok(swapCount <= swapLimit, `${swapCount} swaps, allowed are ${swapLimit}`);
  const { tiny = 0, other = 0 } = answersByModel(replies);
  ok(
    Math.max(tiny, other) < 4 * Math.min(tiny, other),
    `${tiny} answers of one model, ${other} of the other`,
  );
});
