import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { PlanReport } from "../../lib/planner/plan_report.ts";
import { GIB, MIB } from "../../lib/units.ts";
import { buildLargeHeader } from "../fixtures/large_header.ts";
import { planWith } from "./planned.ts";
import { Program, type ProgramResult } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

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
