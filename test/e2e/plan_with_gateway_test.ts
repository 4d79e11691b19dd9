import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import type { PlanReport } from "../../lib/planner/plan_report.ts";
import { chat, type ErrorBody } from "./chat.ts";
import { freePort } from "./coordinator_bed.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { planWith } from "./planned.ts";
import { Program } from "./program.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("plan uses what a gateway knows, also of backends that it holds, and asks the backends where none runs", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  equal((await chat(gateway.url)).status, 200);
  const here = planArgs(bed, new URL(gateway.url).host);
  const nowhere = planArgs(bed, `127.0.0.1:${freePort("127.0.0.1")}`);
  const [held, one, there, even] = await Promise.all([
    planWith(bed.sandbox, ["tiny", ...here]),
    planWith(bed.sandbox, ["tiny", ...here, "--rpc", bed.endpoints[1]!]),
    planWith(bed.sandbox, ["tiny", "--gateway", gateway.url]),
    planWith(bed.sandbox, ["tiny", ...here, "--placement", `${bed.endpoints[2]}=3,${bed.endpoints[0]}=5`]),
  ]);
  for (const { code, report } of [held, there]) {
    equal(code, 0, report.because);
    deepEqual(report.endpoints, bed.endpoints);
    match(report.reasons.join("\n"), /counts as free, though held by our coordinator of tiny:latest/);
    deepEqual(report.leftOut, []);
  }
  deepEqual(one.report.endpoints, [bed.endpoints[1]]);
  deepEqual(even.report.tensorSplit, [3, 6]);
  const stranger = await Program.run(bed.sandbox, [
    "plan",
    "tiny",
    ...nowhere,
    "--set",
    "timeouts.probe=300ms",
  ]);
  match(stranger.stderr, /serves another client/);
  equal((await chat(gateway.url)).status, 200, "the coordinator was not disturbed");
  await gateway.stop();
  equal(gateway.loads.length, 1);
  const asked = await planWith(bed.sandbox, ["tiny", ...nowhere]);
  equal(asked.code, 0);
  deepEqual(asked.report.endpoints, bed.endpoints);
  bed.assertAlive([0, 1, 2]);
});

test("POST /api/admin/plan plans as the command does, and refuses bad bodies", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  await using gateway = await bed.serve();
  const plan = await post(gateway.url, { model: "tiny", context_size: 8192, slots: 2, kv_type: "q8_0" });
  equal(plan.status, 200);
  const { fits, contextSize, slotCount, kvType, endpoints } = plan.body;
  deepEqual(
    { fits, contextSize, slotCount, kvType, endpoints },
    { fits: true, contextSize: 8192, slotCount: 2, kvType: "q8_0", endpoints: bed.endpoints },
  );
  const assumed = await post(gateway.url, { model: "tiny", assume: "a=100MiB,b=1MiB", placement: "auto" });
  deepEqual([assumed.status, assumed.body.fits, assumed.body.endpoints], [200, false, []]);
  const only = await post(gateway.url, { model: "tiny", rpc_backends: [bed.endpoints[1]] });
  deepEqual([only.status, only.body.endpoints], [200, [bed.endpoints[1]]]);
  const refusals: [unknown, number, RegExp][] = [
    [{}, 400, /model/],
    [{ model: "nobody" }, 404, /nobody/],
    [{ model: "" }, 400, /model/],
    [{ model: "tiny", context_size: 0 }, 400, /context_size/],
    [{ model: "tiny", context_size: -1 }, 400, /context_size/],
    [{ model: "tiny", context_size: Number.MAX_SAFE_INTEGER }, 400, /llama\.cpp counts to 2147483647/],
    [{ model: "tiny", context_size: 1.5 }, 400, /context_size/],
    [{ model: "tiny", slots: 257 }, 400, /slots/],
    [{ model: "tiny", kv_type: "q9" }, 400, /kv_type/],
    [{ model: "tiny", placement: "sideways" }, 400, /placement/],
    [{ model: "tiny", placement: `${bed.endpoints[0]}=3` }, 400, /8/],
    [{ model: "tiny", assume: "gpu1" }, 400, /assume/],
    [{ model: "tiny", rpc_backends: [] }, 400, /rpc_backends/],
    [{ model: "tiny", rpc_backends: ["[::1]:50052"] }, 400, /IPv4/],
    [{ model: "tiny", rpc_backends: ["127.0.0.77:1"] }, 404, /127\.0\.0\.77:1/],
    [{ model: "tiny", surprise: 1 }, 400, /surprise/],
    [[], 400, /./],
    ["{", 400, /JSON/],
    [{ model: "x".repeat(70_000) }, 413, /./],
  ];
  for (const [body, status, says] of refusals) {
    const answer = await post(gateway.url, body);
    const what = JSON.stringify(body).slice(0, 100) + JSON.stringify(answer);
    equal(answer.status, status, what);
    match(answer.body.error.message, says, what);
  }
  const got = await fetch(`${gateway.url}/api/admin/plan`);
  await got.body?.cancel();
  equal(got.status, 405);
  await gateway.stop();
});

/** For a gateway on this machine that listens there. */
function planArgs(bed: GatewayBed, listen: string): string[] {
  const config = join(bed.sandbox.directory, "config.yaml");
  return ["--config", config, "--models", bed.store.directory, "--set", `listen=${listen}`];
}

async function post(url: string, body: unknown): Promise<{ status: number; body: PlanAnswer }> {
  const response = await fetch(`${url}/api/admin/plan`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** A plan, or why there is none. */
type PlanAnswer = PlanReport & { readonly error: ErrorBody };
