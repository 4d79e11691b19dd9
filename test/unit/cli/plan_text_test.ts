import { equal, match, ok } from "node:assert/strict";
import { layersOf, planToText } from "../../../lib/cli/plan_text.ts";
import { planModel } from "../../../lib/planner/plan.ts";
import { type PlanReport, toPlanReport } from "../../../lib/planner/plan_report.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { gpusOf } from "../../fixtures/weighed_model.ts";

const SHAPE = { contextSize: 4096, slotCount: 1, kvType: "f16" } as const;

/** Where a 70B model would go on machines with so much memory. */
function reportOver(freeGib: readonly number[], name = "big"): PlanReport {
  const backends = gpusOf(freeGib);
  const request = { name, content: LLAMA_70B, shape: SHAPE, backends, strategy: "auto" } as const;
  const leftOut = [{ endpoint: "x:1", health: "down", reason: "x:1 refuses the connection" }] as const;
  return toPlanReport(name, LLAMA_70B, SHAPE, {
    survey: { usable: backends, leftOut },
    result: planModel({ ...request, reserveBytes: GIB / 2 }),
  });
}

function textOf(report: PlanReport): string {
  return planToText(report, new FakeCliHost());
}

Deno.test("planToText() shows each device, the reasons and what is left out", () => {
  const text = textOf(reportOver([31, 31]));
  match(text, /^big: llama Q4_K_M, 80 layers, 1 slot of 4096 tokens, KV cache f16\nIt fits\.\n/);
  match(text, /^10\.0\.0\.2:50052 +gpu 0 +0-\d+ +\d+ .* 31\.0 GiB /m);
  match(text, /^10\.0\.0\.3:50052 +gpu 0 +\d+-79 and output /m);
  match(text, /^on the coordinator's host: .* MiB$/m);
  match(text, /^- left out: x:1 refuses the connection$/m);
});

Deno.test("planToText() tells how long loading takes where that is known", () => {
  match(
    textOf({ ...reportOver([31, 31]), loadMs: 90_000 }),
    /^on the coordinator's host: .*; loading takes about 1 min 30 s$/m,
  );
});

Deno.test("planToText() says what is missing instead of a table", () => {
  const text = textOf(reportOver([20]));
  match(text, /\nIt does not fit\.\n\n- Cannot place "big": needs /);
  ok(!text.includes("RPC BACKEND"), text);
});

Deno.test("planToText() lets no name of a model talk to the terminal", () => {
  ok(!textOf(reportOver([20], "evil\x1b[2J")).includes("\x1b"));
});

for (
  const [firstLayer, layerCount, hasOutput, want] of [
    [0, 3, false, "0-2"],
    [6, 2, true, "6-7 and output"],
    [8, 0, true, "output"],
  ] as const
) {
  Deno.test(`layersOf() writes ${want}`, () => equal(layersOf({ firstLayer, layerCount, hasOutput }), want));
}
