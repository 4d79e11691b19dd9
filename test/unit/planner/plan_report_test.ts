import { deepEqual, equal } from "node:assert/strict";
import { planModel } from "../../../lib/planner/plan.ts";
import { type PlanReport, toPlanReport } from "../../../lib/planner/plan_report.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { gpusOf } from "../../fixtures/weighed_model.ts";

const shape = { contextSize: 4096, slotCount: 1, kvType: "f16" };

function reportOf(freeGib: readonly number[]): PlanReport {
  const backends = gpusOf(freeGib);
  const result = planModel({ name: "m", content: LLAMA_70B, shape, backends });
  return toPlanReport("m", LLAMA_70B, shape, { survey: { usable: backends, leftOut: [] }, result });
}

Deno.test("toPlanReport() tells what the host needs with as many devices as hold something, at most if it does not fit", () => {
  const [one, two, tooSmall] = [reportOf([60]), reportOf([24, 24]), reportOf([24])];
  deepEqual([one.devices.length, two.devices.length, tooSmall.devices.length], [1, 2, 0]);
  equal(Math.sign(two.hostBytes - one.hostBytes), 1);
  equal(tooSmall.hostBytes, two.hostBytes);
});

Deno.test("toPlanReport() has a shortage just where it does not fit", () => {
  deepEqual([reportOf([60]), reportOf([24])].map(({ fits, shortage }) => [fits, shortage === null]), [
    [true, true],
    [false, false],
  ]);
});
