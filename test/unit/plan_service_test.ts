import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { GatewayError } from "../../lib/errors.ts";
import { type PlanQuestion, PlanService } from "../../lib/plan_service.ts";
import { parseAssumptions } from "../../lib/planner/assume.ts";
import type { PlanReport } from "../../lib/planner/plan_report.ts";
import type { BackendView } from "../../lib/rpc/backend.ts";
import { GIB } from "../../lib/units.ts";
import { backendView } from "../fixtures/backend_views.ts";
import { LLAMA_70B } from "../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../fixtures/model_planning.ts";

const signal = new AbortController().signal;

/** Asks a service that knows these backends where a 70B model would go, and notes what it asks for. */
class Bed {
  /** What was asked for, in order. */
  readonly asked: string[] = [];

  constructor(private readonly views: readonly BackendView[]) {}

  plan(question: Partial<PlanQuestion> = {}): Promise<PlanReport> {
    const planner = plannerFor();
    const service = new PlanService({
      resolve: (name) => Promise.resolve({ ...SOME_MODEL, name }),
      backends: (endpoints) => {
        this.asked.push(`backends ${endpoints?.join() ?? "all"}`);
        return Promise.resolve(this.views);
      },
      build: () => {
        this.asked.push("build");
        return Promise.resolve("b11669");
      },
      planner: { read: () => Promise.resolve(LLAMA_70B), plan: planner.plan.bind(planner) },
    });
    return service.plan({ model: "big", ...question }, signal);
  }
}

const LARGE = backendView("a:1", { freeBytes: 64 * GIB, aliases: ["gpu:1"] });

async function refusalOf(plan: Promise<PlanReport>): Promise<GatewayError> {
  return await plan.then(() => Promise.reject(new Error("it was planned")), (error) => error);
}

Deno.test("PlanService.plan() learns our build before it asks the backends: that tells who is a mismatch", async () => {
  const bed = new Bed([LARGE]);
  const { fits, model, endpoints } = await bed.plan();
  deepEqual({ fits, model, endpoints }, { fits: true, model: "big", endpoints: ["a:1"] });
  deepEqual(bed.asked, ["build", "backends all"]);
});

Deno.test("PlanService.plan() asks no backend where others are assumed", async () => {
  const bed = new Bed([]);
  const { endpoints } = await bed.plan({ assumed: parseAssumptions("pc1=64GiB") });
  deepEqual([endpoints, bed.asked], [["pc1:50052"], ["build"]]);
});

Deno.test("PlanService.plan() counts what our coordinators hold as free, and says so once for each", async () => {
  const held = ["a:1", "b:1"].map((endpoint) =>
    backendView(endpoint, { freeBytes: 31 * GIB, health: "held", holder: "small" })
  );
  const { fits, reasons } = await new Bed(held).plan();
  ok(fits);
  const notes = reasons.filter((reason) => reason.includes("counts as free"));
  equal(notes.length, 1);
  match(notes[0]!, /^a:1, b:1 counts as free, though held by our coordinator of small/);
});

Deno.test("PlanService.plan() plans with the backends that are asked for, by any of their names", async () => {
  const bed = new Bed([LARGE]);
  deepEqual((await bed.plan({ onlyEndpoints: ["gpu:1"] })).endpoints, ["a:1"]);
  deepEqual(bed.asked, ["build", "backends gpu:1"]);
});

Deno.test("PlanService.plan() refuses backends that nobody knows, and to plan where there are none", async () => {
  const unknown = await refusalOf(new Bed([LARGE]).plan({ onlyEndpoints: ["a:1", "x:1", "y:1"] }));
  equal(unknown.code, "not_found");
  match(unknown.message, /no rpc backend x:1, y:1; register it/);
  const none = await refusalOf(new Bed([]).plan());
  equal(none.code, "no_capacity");
  match(none.message, /Cannot plan "big": no rpc backend is known; register one.*--assume/);
});

Deno.test("PlanService.plan() passes on that a model is not there, and asks nobody for it", async () => {
  const service = new PlanService({
    resolve: () => Promise.reject(new Error("no such model")),
    backends: () => Promise.reject(new Error("was asked")),
    build: () => Promise.reject(new Error("was asked")),
    planner: plannerFor(),
  });
  await rejects(service.plan({ model: "nobody" }, signal), /no such model/);
});
