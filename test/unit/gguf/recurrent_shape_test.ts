import { deepEqual, equal } from "node:assert/strict";
import { describeZooModel } from "../../fixtures/model_zoo/describe_zoo_model.ts";
import { llama } from "../../fixtures/model_zoo/dense.ts";
import { lfm2, mamba, mamba2 } from "../../fixtures/model_zoo/recurrent.ts";

Deno.test("the first form convolves its inner width", async () => {
  const { recurrent } = await describeZooModel(mamba({ innerLength: 512, stateLength: 16 }));
  deepEqual(recurrent, { innerLength: 512, convolvedLength: 512 });
});

Deno.test("the second form convolves what goes to and from the state, too", async () => {
  const { recurrent } = await describeZooModel(mamba2({ innerLength: 512, stateLength: 16 }));
  deepEqual(recurrent, { innerLength: 512, convolvedLength: 544 });
});

Deno.test("models without a state space have no such shape", async () => {
  equal((await describeZooModel(llama())).recurrent, undefined);
  equal((await describeZooModel(lfm2())).recurrent, undefined);
});
