import { equal, match, throws } from "node:assert/strict";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import type { ServedModel } from "../../../lib/dialects/served_model.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { CoordinatorLease } from "../../../lib/pool/pooled.ts";
import type { Task } from "../../../lib/router/decision.ts";
import { requireServed } from "../../../lib/router/require_served.ts";
import { servedModel } from "../../fixtures/served_model.ts";

/** Asks for that work. @returns The refusal, and whether the lease was given back. */
function asked(
  task: Task,
  told: Partial<ServedModel>,
): { refusal: GatewayError | undefined; isGivenBack: boolean } {
  let isGivenBack = false;
  const coordinator = { served: servedModel({ name: "m", ...told }) } as ServingCoordinator;
  const lease: CoordinatorLease<ServingCoordinator> = {
    ...{ coordinator, queueMs: 0, loadMs: 0, reportServed: () => {} },
    [Symbol.dispose]: () => isGivenBack = true,
  };
  let refusal: GatewayError | undefined;
  const act = () => requireServed(lease, task);
  try {
    act();
  } catch {
    throws(act, (error) => error instanceof GatewayError && (refusal = error, true));
  }
  return { refusal, isGivenBack };
}

const COMPLETES = { capabilities: new Set(["completion"] as const) };
const EMBEDS = { capabilities: new Set(["embedding"] as const) };

for (
  const { task, told } of [
    { task: "chat", told: COMPLETES },
    { task: "completion", told: { ...COMPLETES, chatObstacle: "no template" } },
    { task: "embedding", told: EMBEDS },
    { task: "utility", told: EMBEDS },
    { task: "rerank", told: EMBEDS },
  ] satisfies { task: Task; told: Partial<ServedModel> }[]
) {
  Deno.test(`requireServed() lets a ${task} pass`, () => {
    const { refusal, isGivenBack } = asked(task, told);
    equal(refusal, undefined);
    equal(isGivenBack, false, "the lease is still needed");
  });
}

for (
  const { task, told, why } of [
    { task: "chat", told: { ...COMPLETES, chatObstacle: "no template" }, why: /^no template$/ },
    { task: "chat", told: EMBEDS, why: /^"m" does not support chat$/ },
    { task: "completion", told: EMBEDS, why: /^"m" does not support generate$/ },
    { task: "embedding", told: COMPLETES, why: /^Cannot embed with "m": it is no embedding model/ },
  ] satisfies { task: Task; told: Partial<ServedModel>; why: RegExp }[]
) {
  Deno.test(`requireServed() refuses a ${task}: ${why.source}`, () => {
    const { refusal, isGivenBack } = asked(task, told);
    match(refusal!.message, why);
    equal(refusal!.code, "model_unusable", "a node may do it");
    equal(isGivenBack, true);
  });
}
