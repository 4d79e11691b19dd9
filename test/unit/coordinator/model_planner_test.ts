import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import type { ModelPlanner, ModelPlans, PlanWish } from "../../../lib/coordinator/model_planner.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { surveysOf } from "../../../lib/planner/survey.ts";
import type { BackendView } from "../../../lib/rpc/backend.ts";
import { GIB } from "../../../lib/units.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../fixtures/model_planning.ts";

/** 80 layers of 40 GB fit on two of 31 GiB. */
const VIEWS = ["a:1", "b:1", "c:1"].map((endpoint) => backendView(endpoint, { freeBytes: 31 * GIB }));
const PLACEMENT = "SOLLOL_COORDINATOR_PLACEMENT";

function planOver(views: readonly BackendView[], planner: ModelPlanner, wish?: PlanWish): ModelPlans {
  return planner.plan(SOME_MODEL, LLAMA_70B, surveysOf(views), wish);
}

/** Endpoints and layers of the best plan, the output layer counted as one. */
function dealt(
  { plans: [{ result }] }: ModelPlans,
): [endpoints: readonly string[], split: readonly number[]] {
  ok(result.fits);
  return [result.placement.endpoints, result.placement.tensorSplit];
}

function refusalOf(act: () => unknown): GatewayError {
  let refusal: unknown;
  throws(act, (error) => {
    refusal = error;
    return error instanceof GatewayError;
  });
  return refusal as GatewayError;
}

Deno.test("ModelPlanner.plan() takes the fewest backends that fit, unless the configuration says otherwise", () => {
  equal(dealt(planOver(VIEWS, plannerFor()))[0].length, 2);
  equal(dealt(planOver(VIEWS, plannerFor({ [PLACEMENT]: "even" })))[0].length, 3);
});

Deno.test("ModelPlanner.plan() deals a model of that many layers as the configuration says", () => {
  const planner = plannerFor({ [PLACEMENT]: "b:1=30,a:1=50" });
  deepEqual(dealt(planOver(VIEWS, planner)), [["b:1", "a:1"], [30, 51]]);
});

Deno.test("ModelPlanner.plan() places a model of another size by memory, whatever layers are configured", () => {
  const planner = plannerFor({ [PLACEMENT]: "b:1=20,a:1=12" });
  deepEqual(dealt(planOver(VIEWS, planner)), dealt(planOver(VIEWS, plannerFor())));
});

Deno.test("ModelPlanner.plan() takes layers that were asked for as they are, even for a model of another size", () => {
  const wish = { strategy: { layers: { "b:1": 20, "a:1": 12 } } };
  const { code, message } = refusalOf(() => planOver(VIEWS, plannerFor(), wish));
  equal(code, "invalid_request");
  match(message, /deals 32 layers; the model has 80/);
});

Deno.test("ModelPlanner.plan() calls what the configuration cannot have the operator's mistake, not the client's", () => {
  const planner = plannerFor({ [PLACEMENT]: "b:1=30,nobody:1=50" });
  const { code, message } = refusalOf(() => planOver(VIEWS, planner));
  equal(code, "model_unusable");
  match(message, /names nobody:1.*The configuration's coordinator section asks for that$/);
});

Deno.test("ModelPlanner.plan() says that a configured backend is missing only now, and why", () => {
  const planner = plannerFor({ [PLACEMENT]: "b:1=30,a:1=50" });
  const down = backendView("b:1", { health: "down", reason: "b:1 refuses the connection" });
  const { code, message } = refusalOf(() => planOver([VIEWS[0]!, down, VIEWS[2]!], planner));
  equal(code, "no_capacity");
  match(message, /names b:1.*coordinator section asks for that\. Left out: b:1 refuses the connection$/);
});

Deno.test("ModelPlanner.plan() leaves a context that was asked for the asker's mistake", () => {
  const { code, message } = refusalOf(() => planOver(VIEWS, plannerFor(), { contextSize: 2 ** 40 }));
  equal(code, "invalid_request");
  ok(!message.includes("configuration"), message);
});

Deno.test("ModelPlanner.plan() runs a model as the configuration says where nothing else is asked for", () => {
  const env = { SOLLOL_COORDINATOR_SLOTS: "2", SOLLOL_COORDINATOR_KV_TYPE: "q8_0" };
  const usual = {
    contextSize: 4096,
    slotCount: 2,
    kvType: "q8_0",
    ubatchSize: undefined,
    pooling: undefined,
  };
  deepEqual(planOver(VIEWS, plannerFor(env)).shape, usual);
  const wish = { contextSize: 8192, kvType: "q4_0" } as const;
  deepEqual(planOver(VIEWS, plannerFor(env), wish).shape, { ...usual, ...wish });
});

Deno.test("ModelPlanner.plan() uses what earlier loads of that build taught", () => {
  const asked: unknown[] = [];
  const planner = plannerFor({}, {
    computeCorrection: (...of) => asked.push(of) && 1.5,
    bytesPerSecond: () => 100e6,
  });
  const { plans: [{ result }] } = planOver(VIEWS, planner, { build: "b11669" });
  ok(result.fits);
  equal(result.model.computeCorrection, 1.5);
  ok(result.placement.loadMs! > 100_000, "40 GB at 100 MB a second take minutes");
  deepEqual(asked, [["llama", "b11669"]]);
});

Deno.test("ModelPlanner.plan() says why no backend can be used", () => {
  const held = backendView("a:1", { health: "held", reason: "a:1 serves another client" });
  const whys = [
    [surveysOf([held]), /none of its rpc backends can be used\. a:1 serves another client/],
    [[{ usable: [], leftOut: [] }], /no rpc backend is left; start/],
    [[], /no rpc backend is left; start/],
  ] as const;
  for (const [surveys, why] of whys) {
    const { code, message } = refusalOf(() => plannerFor().plan(SOME_MODEL, LLAMA_70B, surveys));
    equal(code, "no_capacity");
    match(message, /^Cannot serve "big:latest": /);
    match(message, why);
  }
});
