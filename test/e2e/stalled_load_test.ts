import { deepEqual, equal, match, ok } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { mergeConfig } from "../../lib/config/merge.ts";
import type { Coordinator } from "../../lib/coordinator/coordinator.ts";
import { CoordinatorStartError } from "../../lib/coordinator/coordinator_failure.ts";
import { startLeased } from "../../lib/coordinator/leased_start.ts";
import { RefusedMemory } from "../../lib/coordinator/refused_memory.ts";
import { mayStartElsewhere } from "../../lib/coordinator/sharded_model.ts";
import { buildTinyModel, type TinyModelOptions } from "../../lib/gguf/tiny_model.ts";
import { silentLogger } from "../../lib/log.ts";
import { weighModel } from "../../lib/planner/model_need.ts";
import { planPlacement } from "../../lib/planner/placement.ts";
import type { LoadProgress } from "../../lib/pool/pooled.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { openGguf } from "../../lib/store/gguf_file.ts";
import { MIB } from "../../lib/units.ts";
import { SOME_MODEL } from "../fixtures/model_planning.ts";
import { CoordinatorBed, planBackend, type RealBackend } from "./coordinator_bed.ts";
import { ProbingLease } from "./leased_bed.ts";
import { type RoadCapacity, SlowRoad } from "./slow_road.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();
const hasSs = await new Deno.Command("ss", { args: ["-V"], stdout: "null" }).output().then(
  () => true,
  () => false,
);

/** A model of which half is to go to each of two real backends; a slow road leads to the second. */
interface RoadBed {
  readonly road: SlowRoad;
  readonly lease: ProbingLease;
  freezeFarBackend(): void;
  start(stallMs: number, onProgress?: (progress: LoadProgress) => void): Promise<Coordinator>;
}

function testRoad(
  name: string,
  { bytesPerSecond, shape, capacity }: {
    bytesPerSecond: number;
    shape: TinyModelOptions;
    capacity?: RoadCapacity;
  },
  test: (bed: RoadBed) => Promise<void>,
): void {
  llamaTest(hasSs ? name : `${name} (skipped: no ss here)`, async (programs) => {
    if (!hasSs) return;
    await using bed = await CoordinatorBed.create(programs, 2);
    const [near, far] = bed.backends as [RealBackend, RealBackend];
    await using road = new SlowRoad("127.0.0.9", parseEndpoint(far.endpoint), bytesPerSecond, capacity);
    using _thawed = { [Symbol.dispose]: () => far.process.signal("SIGCONT") }; // the road waits for it
    const lease = new ProbingLease([near.endpoint, road.endpoint]);
    await test({
      road,
      lease,
      freezeFarBackend: () => far.process.signal("SIGSTOP"),
      start: (stallMs, onProgress) => start(bed, lease, shape, stallMs, onProgress),
    });
    deepEqual(bed.pids(), [], "processes are left");
  });
}

async function start(
  bed: CoordinatorBed,
  lease: ProbingLease,
  shape: TinyModelOptions,
  stallMs: number,
  onProgress?: (progress: LoadProgress) => void,
): Promise<Coordinator> {
  const { modelPath, programs, http } = bed;
  const bytes = buildTinyModel(shape);
  await Deno.writeFile(modelPath, bytes);
  const { model } = await openGguf(modelPath);
  ok(model.kind === "model");
  const planned = { contextSize: 4096, slotCount: 2, kvType: "f16" as const, ubatchSize: undefined };
  const backends = lease.endpoints.map((endpoint) => planBackend(endpoint));
  const placement = planPlacement(weighModel("tiny", model, planned), backends, { strategy: "even" });
  const { config } = mergeConfig({ env: {} });
  return await startLeased(
    programs.llamaServer,
    { ...SOME_MODEL, name: "tiny", key: "tiny", modelPath, sizeBytes: bytes.length },
    { placement, shape: planned, lease, because: "for a test", computeCorrection: 1 },
    {
      config: {
        coordinator: { ...config.coordinator, threads: 1, logDir: `${bed.directory}/log` },
        timeouts: { ...config.timeouts, stallMs },
      },
      http,
      logger: silentLogger,
      refusedMemory: new RefusedMemory({ clock: systemClock, trustMs: 30_000 }),
    },
    new AbortController().signal,
    onProgress,
  );
}

/** Freezes the far backend once this share of all weights has arrived, and waits for the failure. */
async function freezeAt(
  share: number,
  bed: RoadBed,
  stallMs: number,
): Promise<{ error: CoordinatorStartError; tookMs: number }> {
  let frozenMs: number | undefined;
  const error = await bed.start(stallMs, ({ sentBytes, totalBytes }) => {
    if (frozenMs !== undefined || sentBytes === undefined || sentBytes < share * totalBytes!) return;
    bed.freezeFarBackend();
    frozenMs = performance.now();
  }).then((coordinator) => coordinator.stop(), (error) => error);
  ok(frozenMs !== undefined, `it was over before it could be frozen: ${error}`);
  ok(error instanceof CoordinatorStartError, `${error}`);
  return { error, tookMs: performance.now() - frozenMs };
}

const LARGE = { embeddingLength: 512, feedForwardLength: 2_048, f32: true }; // 135 MB

testRoad(
  "a backend that is frozen amid its weights fails the start within seconds, by name and without a probe",
  { bytesPerSecond: 12 * MIB, shape: LARGE },
  async (bed) => {
    const { error, tookMs } = await freezeAt(0.55, bed, 2_000);
    const { endpoint } = bed.road;
    match(error.message, /MiB of .* MiB had arrived, then nothing for [\d.]+ s; the rpc backend /);
    match(error.message, new RegExp(`backend ${endpoint} takes no more`));
    deepEqual([error.code, error.suspectEndpoint], ["backend_unreachable", endpoint]);
    ok(mayStartElsewhere(error));
    ok(tookMs >= 2_000 && tookMs < 15_000, `it took ${tookMs} ms`);
    deepEqual([bed.lease.failures, bed.lease.isReleased], [[endpoint], true]);
  },
);

testRoad(
  "a backend that is frozen before it answers fails the start, and a probe names it",
  { bytesPerSecond: 256 * 1024, shape: {}, capacity: "everything" }, // nothing waits at its sender
  async (bed) => {
    const { error } = await freezeAt(0, bed, 1_000);
    const { endpoint } = bed.road;
    match(
      error.message,
      new RegExp(`had arrived, then nothing for .*; ${endpoint} (serves|was free but did not answer)`),
    );
    deepEqual([error.code, error.suspectEndpoint], ["backend_unreachable", endpoint]);
    deepEqual(bed.lease.failures, [endpoint]);
  },
);

testRoad(
  "a load over a slow network that takes far longer than a standstill may is not disturbed",
  { bytesPerSecond: 4 * MIB, shape: { embeddingLength: 384, feedForwardLength: 1_024, f32: true } },
  async (bed) => {
    await using coordinator = await bed.start(2_000);
    ok(coordinator.loadMs > 4_000, `it took ${coordinator.loadMs} ms`);
    equal(bed.lease.isReleased, false);
    await coordinator.stop();
  },
);
