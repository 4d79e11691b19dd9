import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { refuseMisfit } from "../../../lib/coordinator/fit_check.ts";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import type { BackendView } from "../../../lib/rpc/backend.ts";
import { GIB } from "../../../lib/units.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../fixtures/model_planning.ts";

const LARGE = backendView("a:1", { freeBytes: 64 * GIB });
const SMALL = backendView("a:1", { freeBytes: 8 * GIB });
const signal = new AbortController().signal;

interface Scene {
  /** What is known before the backends are asked. */
  readonly before: readonly BackendView[];
  /** What is known once they have answered; default: the same. */
  readonly after?: readonly BackendView[];
}

/** Checks a 70B model, and counts how often the backends were asked. */
async function check({ before, after = before }: Scene): Promise<{ error: unknown; askedCount: number }> {
  const planner = plannerFor();
  let askedCount = 0;
  const parts = {
    planner: {
      read: (): Promise<GgufModel> => Promise.resolve(LLAMA_70B),
      plan: planner.plan.bind(planner),
    },
    views: () => askedCount === 0 ? before : after,
    build: () => Promise.resolve("b11669"),
    refresh: () => {
      askedCount++;
      return Promise.resolve();
    },
  };
  const error = await refuseMisfit(SOME_MODEL, parts, signal).then(() => undefined, (thrown) => thrown);
  return { error, askedCount };
}

Deno.test("refuseMisfit() asks nobody about a model that fits by what is known", async () => {
  deepEqual(await check({ before: [LARGE], after: [SMALL] }), { error: undefined, askedCount: 0 });
});

Deno.test("refuseMisfit() counts what our own coordinators hold as free: they are stopped for it", async () => {
  const held = backendView("a:1", { freeBytes: 64 * GIB, health: "held", holder: "small:latest" });
  deepEqual(await check({ before: [held] }), { error: undefined, askedCount: 0 });
});

Deno.test("refuseMisfit() refuses only after the backends were asked, with the numbers and who is left out", async () => {
  const down = backendView("b:1", { health: "down", reason: "b:1 refuses the connection" });
  const { error, askedCount } = await check({ before: [SMALL, down] });
  equal(askedCount, 1);
  ok(error instanceof InsufficientMemoryError);
  ok(error.shortage.missingBytes > 0);
  match(error.message, /GiB.*Left out: b:1 refuses the connection/);
});

Deno.test("refuseMisfit() lets a model pass that fits by what the backends answer", async () => {
  deepEqual(await check({ before: [SMALL], after: [LARGE] }), { error: undefined, askedCount: 1 });
});

Deno.test("refuseMisfit() leaves it to the start to say that no backend can be used", async () => {
  deepEqual(await check({ before: [] }), { error: undefined, askedCount: 0 });
  const stranger = backendView("a:1", { health: "held" });
  deepEqual(await check({ before: [stranger] }), { error: undefined, askedCount: 0 });
});

Deno.test("refuseMisfit() does not refuse once its only backend is found to be gone: the start says so", async () => {
  const down = backendView("a:1", { health: "down" });
  deepEqual(await check({ before: [SMALL], after: [down] }), { error: undefined, askedCount: 1 });
});

Deno.test("refuseMisfit() passes on why it ended", async () => {
  const reason = new Error("the client left");
  const planner = plannerFor();
  const parts = {
    planner: { read: () => Promise.resolve(LLAMA_70B), plan: planner.plan.bind(planner) },
    views: () => [SMALL],
    build: () => Promise.resolve(undefined),
    refresh: () => Promise.reject(reason),
  };
  await rejects(refuseMisfit(SOME_MODEL, parts, signal), reason);
});

Deno.test("refuseMisfit() asks again, too, where the first plan could not be made at all", async () => {
  let askedCount = 0;
  const planner = plannerFor();
  const parts = {
    planner: {
      read: () => Promise.resolve(LLAMA_70B),
      plan: (...given: Parameters<typeof planner.plan>) => {
        if (askedCount === 0) throw new GatewayError("no_capacity", "a:1 is down");
        return planner.plan(...given);
      },
    },
    views: () => [LARGE],
    build: () => Promise.resolve(undefined),
    refresh: () => Promise.resolve(void askedCount++),
  };
  await refuseMisfit(SOME_MODEL, parts, signal);
  equal(askedCount, 1);
});
