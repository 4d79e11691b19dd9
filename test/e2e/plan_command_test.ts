import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { PlanReport } from "../../lib/planner/plan_report.ts";
import { GIB, MIB } from "../../lib/units.ts";
import { buildLargeHeader } from "../fixtures/large_header.ts";
import { chat, type ErrorBody } from "./chat.ts";
import { freePort } from "./coordinator_bed.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { Program, type ProgramResult } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** What the seeds' machines have free. */
const SEEDS = ["pc1=15.5GiB", "pc2=31.3GiB", "pc3=15.3GiB"];
const RESERVE_BYTES = 512 * MIB;

/** A sandbox with `big.gguf`: the header of a 70B model of 37 GiB, whose weights are a hole in the file. */
async function createBigModel(): Promise<{ sandbox: Sandbox; path: string }> {
  const sandbox = await Sandbox.create();
  const { bytes, fileBytes } = buildLargeHeader();
  const path = join(sandbox.directory, "big.gguf");
  await Deno.writeFile(path, bytes);
  await Deno.truncate(path, fileBytes);
  return { sandbox, path };
}

interface Planned {
  readonly code: number;
  readonly report: PlanReport;
}

async function planWith(sandbox: Sandbox, args: readonly string[]): Promise<Planned> {
  const { code, stdout, stderr } = await Program.run(sandbox, ["plan", ...args, "--json"]);
  equal(stderr, "");
  return { code, report: JSON.parse(stdout) };
}

function assuming(machines: readonly string[]): string[] {
  return machines.flatMap((machine) => ["--assume", machine]);
}

/** Layers contiguous from 0, all of them, the output once and last; every machine keeps its reserve. */
function assertSound({ devices, layerCount, tensorSplit, endpoints }: PlanReport): void {
  let next = 0;
  for (const device of devices) {
    if (device.layerCount > 0) equal(device.firstLayer, next);
    next += device.layerCount;
    ok(device.freeAfterBytes >= RESERVE_BYTES, `${device.endpoint} keeps ${device.freeAfterBytes}`);
    equal(device.needBytes, device.weightBytes + device.kvBytes + device.computeBytes);
    equal(device.freeAfterBytes, device.freeBytes - device.needBytes);
  }
  equal(next, layerCount);
  deepEqual(devices.map(({ hasOutput }) => hasOutput), devices.map((_, at) => at === devices.length - 1));
  deepEqual(tensorSplit.reduce((sum, count) => sum + count), layerCount + 1);
  deepEqual(devices.map(({ endpoint }) => endpoint), endpoints);
}

Deno.test("plan says where each layer of a 70B model goes on the seeds' three machines", async () => {
  const { sandbox, path } = await createBigModel();
  await using _ = sandbox;
  const [usual, even, explicit, table] = await Promise.all([
    planWith(sandbox, [path, ...assuming(SEEDS)]),
    planWith(sandbox, [path, ...assuming(SEEDS), "--placement", "even", "--parallel", "1", "--ctx", "32768"]),
    planWith(sandbox, [path, ...assuming(SEEDS), "--placement", "pc3=26,pc2=54"]),
    Program.run(sandbox, ["plan", path, ...assuming(SEEDS)]),
  ]);
  equal(usual.code, 0, usual.report.because);
  assertSound(usual.report);
  deepEqual([usual.report.layerCount, usual.report.shortage], [80, null]);
  equal(even.code, 1, "12.4 GiB of weights and 3.3 GiB of KV cache are too much for 15.3 GiB");
  ok(even.report.shortage!.fitsWithAuto);
  equal(explicit.code, 0, explicit.report.because);
  assertSound(explicit.report);
  deepEqual(explicit.report.tensorSplit, [26, 55]);
  deepEqual([table.code, table.stderr], [0, ""]);
  match(table.stdout, /^big: llama .*, 80 layers, 4 slots of 4096 tokens, KV cache f16\nIt fits\.\n/);
  match(table.stdout, /^pc\d:50052 .* and output +\d+ .* GiB/m);
});

Deno.test("plan says what is missing, and all that it says would fit does, and no more", async () => {
  const { sandbox, path } = await createBigModel();
  await using _ = sandbox;
  const assumed = assuming(SEEDS);
  const { code, report } = await planWith(sandbox, [path, ...assumed, "--ctx", "32768"]);
  const { missingBytes, fittingContextSize, fittingKvType, neededBackendBytes } = report.shortage!;
  equal(code, 1);
  ok(missingBytes > 10 * GIB, `${missingBytes} missing`);
  match(
    report.because,
    /\d+\.\d GiB are missing\. It fits with a context of 4 × \d+ tokens, or with kv_type q/,
  );
  const another = (factor: number) => assuming([`pc4=${Math.floor(neededBackendBytes! * factor)}`]);
  const codes = await Promise.all([
    ["--ctx", String(fittingContextSize)],
    ["--ctx", String(fittingContextSize! + 256)],
    ["--ctx", "32768", "--kv-type", fittingKvType!],
    ["--ctx", "32768", ...another(1)],
    ["--ctx", "32768", ...another(0.99)],
  ].map(async (args) => (await planWith(sandbox, [path, ...assumed, ...args])).code));
  deepEqual(codes, [0, 1, 0, 0, 1]);
});

Deno.test("plan says which file would fit where no context is small enough", async () => {
  const { sandbox, path } = await createBigModel();
  await using _ = sandbox;
  const { code, report } = await planWith(sandbox, [path, ...assuming(["pc1=15.5GiB", "pc3=15.3GiB"])]);
  equal(code, 1);
  equal(report.shortage!.fittingContextSize ?? undefined, undefined);
  match(report.because, /No context is small enough; choose a quantisation of at most \d+\.\d GiB/);
});

Deno.test("plan refuses what makes no sense, in a sentence", async () => {
  const { sandbox, path } = await createBigModel();
  await using _ = sandbox;
  const assumed = assuming(SEEDS);
  const refusals: [string[], RegExp][] = [
    [[path, ...assumed, "--ctx", "0"], /--ctx needs a whole number from 1, got "0"/],
    [[path, ...assumed, "--ctx=-5"], /--ctx needs a whole number from 1, got "-5"/],
    [[path, ...assumed, "--ctx", "99999999999999"], /--ctx needs a whole number/],
    [
      [path, ...assumed, "--ctx", "9999999999"],
      /with a context of 4 × 9999999999 tokens; llama\.cpp counts to/,
    ],
    [[path, ...assumed, "--kv-type", "q9"], /--kv-type.*q9/],
    [[path, ...assumed, "--placement", "sideways"], /--placement/],
    [[path, ...assumed, "--placement", "pc1=20,pc2=20"], /80/],
    [[path, "--assume", "pc1"], /Cannot assume "pc1"/],
    [[path, "--assume", "pc1=15"], /between 1 MiB and 64 TiB/],
    [[path, "--assume", "pc1=1GiB,pc1=2GiB"], /twice/],
    [[path, "--assume", "pc1=1GiB", "--rpc", "pc1"], /exclude each other/],
    [["no-such-model", ...assumed], /no-such-model/],
    [[join(sandbox.directory, "missing.gguf"), ...assumed], /missing\.gguf/],
    [[join(sandbox.directory, "."), ...assumed], /./],
    [[path, "--set", "listen=127.0.0.1:1"], /no rpc backend is known; register one .*--assume/],
    [[], /MODEL/],
  ];
  const results: ProgramResult[] = [];
  for (let at = 0; at < refusals.length; at += 4) {
    const some = refusals.slice(at, at + 4).map(([args]) => Program.run(sandbox, ["plan", ...args]));
    results.push(...await Promise.all(some));
  }
  for (const [at, [args, says]] of refusals.entries()) {
    const { code, stdout, stderr } = results[at]!;
    const what = `plan ${args.slice(1).join(" ")}: ${stdout}${stderr}`;
    ok(code !== 0, what);
    equal(stdout, "", what);
    match(stderr, says, what);
    ok(!/\n +at /.test(stderr), `no stack: ${what}`);
  }
});

Deno.test("plan tells of a context beyond the training, and of one that nobody could hold", async () => {
  const { sandbox, path } = await createBigModel();
  await using _ = sandbox;
  const [beyond, absurd] = await Promise.all([
    planWith(sandbox, [path, "--assume", "pc1=900GiB", "--ctx", "200000", "--parallel", "1"]),
    planWith(sandbox, [path, ...assuming(SEEDS), "--ctx", "500000000"]),
  ]);
  equal(beyond.code, 0);
  match(beyond.report.reasons.join("\n"), /131072/);
  equal(absurd.code, 1);
  ok(absurd.report.shortage!.fittingContextSize! < 30_000);
});

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
  const stranger = await planWith(bed.sandbox, ["tiny", ...nowhere, "--set", "timeouts.probe=300ms"]).catch(
    String,
  );
  match(String(stranger), /serves another client/);
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

test("a backend that was registered survives a restart with its limits, and is forgotten when told", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  const [configured, registered] = bed.endpoints as [string, string];
  const options = { rpcBackends: [configured] };
  {
    await using gateway = await bed.serve(options);
    const { code, stdout } = await run(bed, ["register", registered, "--memory", "100MiB"], gateway.url);
    equal(code, 0, stdout);
    match(stdout, new RegExp(`^${registered} +up +registered`, "m"));
    const table = await run(bed, ["backends"], gateway.url);
    match(table.stdout, new RegExp(`^${configured} +up .* config `, "m"));
    match(table.stdout, new RegExp(`^${registered} +up .* admin `, "m"));
    await gateway.stop();
  }
  await using gateway = await bed.serve(options);
  const listed = JSON.parse((await run(bed, ["backends", "--json"], gateway.url)).stdout);
  deepEqual(
    listed.map((
      { endpoint, sources, limits }: Listed,
    ) => [endpoint, sources, limits.memoryLimitBytes ?? null]),
    [[configured, ["config"], null], [registered, ["admin"], 100 * MIB]],
  );
  deepEqual(
    (await planWith(bed.sandbox, ["tiny", "--gateway", gateway.url])).report.endpoints,
    bed.endpoints,
  );
  const removed = await run(bed, ["register", registered, "--remove"], gateway.url);
  deepEqual([removed.code, removed.stderr], [0, ""]);
  const kept = await run(bed, ["register", configured, "--remove"], gateway.url);
  equal(kept.code, 1);
  match(kept.stderr, /the configuration names it \(rpc_backends\); remove it there/);
  const unknown = await run(bed, ["register", registered, "--remove"], gateway.url);
  match(unknown.stderr, /There is no rpc backend/);
  const left = JSON.parse((await run(bed, ["backends", "--json"], gateway.url)).stdout);
  deepEqual(left.map(({ endpoint }: Listed) => endpoint), [configured]);
  await gateway.stop();
});

interface Listed {
  readonly endpoint: string;
  readonly sources: readonly string[];
  readonly limits: { readonly memoryLimitBytes?: number };
}

/** For a gateway on this machine that listens there. */
function planArgs(bed: GatewayBed, listen: string): string[] {
  const config = join(bed.sandbox.directory, "config.yaml");
  return ["--config", config, "--models", bed.store.directory, "--set", `listen=${listen}`];
}

function run(bed: GatewayBed, args: readonly string[], url: string): Promise<ProgramResult> {
  return Program.run(bed.sandbox, [...args, "--gateway", url]);
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
