import { join } from "node:path";
import { CoordinatorLog, type ToldBuffer } from "../../lib/coordinator/coordinator_log.ts";
import type { ActualBytes } from "../../lib/coordinator/placement_check.ts";
import { buildLaunchCommand, type KvType } from "../../lib/llama_server/args.ts";
import type { BufferUse } from "../../lib/llama_server/log_line.ts";
import { weighModel } from "../../lib/planner/model_need.ts";
import { type PlacedDevice, type Placement, planPlacement } from "../../lib/planner/placement.ts";
import type { PlanBackend, PlanShape, PlanStrategy } from "../../lib/planner/plan_input.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import { openGguf } from "../../lib/store/gguf_file.ts";
import { MIB } from "../../lib/units.ts";
import { writeZooFile } from "../fixtures/model_zoo/zoo_file.ts";
import type { ZooModel } from "../fixtures/model_zoo/zoo.ts";
import { type RealBackend, type RealPrograms, startBackend } from "./coordinator_bed.ts";

/** One plan that is to be held against what llama.cpp does. */
export interface RealityCase {
  readonly model: ZooModel;
  readonly shape: PlanShape;
  /**
   * Layers of each device, negative ones counted from what is left, and the last device takes the rest; or a strategy
   * that finds them itself.
   */
  readonly split: readonly number[] | "even" | "auto";
}

/** A device, as planned and as it is. */
export interface RealityRow {
  readonly label: string;
  readonly planned: PlacedDevice;
  /** Index of each unit that llama.cpp put there. */
  readonly units: readonly number[];
  readonly actual: ActualBytes;
  /** What is off, as sentences; empty if the plan is right. */
  readonly problems: readonly string[];
}

/** Free memory of each device where it is not to matter. */
const PLENTY_BYTES = 2 ** 40;
/** llama.cpp rounds what it tells to 0.01 MiB, in up to two buffers. */
const ROUNDING_BYTES = 0.011 * MIB;

/** Real rpc backends, for plans to be held against what llama.cpp does with them. */
export class RealityBed implements AsyncDisposable {
  /** A killed server leaves its socket behind, and the next one wants another. */
  #loadCount = 0;

  private constructor(
    private readonly programs: RealPrograms,
    private readonly directory: string,
    private readonly backends: readonly RealBackend[],
    private readonly stack: AsyncDisposableStack,
  ) {}

  /** @param backendCount Backends on 127.0.0.2, .3, …. */
  static async create(programs: RealPrograms, backendCount: number): Promise<RealityBed> {
    await using stack = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "planner-reality-" });
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    const backends: RealBackend[] = [];
    for (let index = 0; index < backendCount; index++) {
      backends.push(stack.use(await startBackend(programs.rpcServer, `127.0.0.${index + 2}`)));
    }
    return new RealityBed(programs, directory, backends, stack.move());
  }

  /** Plans, loads, and compares. One row for each planned device. */
  async compare(reality: RealityCase): Promise<RealityRow[]> {
    const path = join(this.directory, `${reality.model.name.replaceAll(" ", "-")}.gguf`);
    await writeZooFile(path, reality.model.content());
    try {
      const { model } = await openGguf(path);
      const weighed = weighModel(reality.model.name, model, reality.shape);
      const placement = this.#plan(reality, weighed);
      const load = await this.#load(path, placement, reality.shape);
      return placement.devices.map((planned) =>
        compareDevice(labelOf(reality), planned, weighed.blockCount, load)
      );
    } finally {
      await Deno.remove(path);
    }
  }

  #plan({ split }: RealityCase, model: ReturnType<typeof weighModel>): Placement {
    if (split === "even") return planPlacement(model, this.#planBackends(PLENTY_BYTES), { strategy: "even" });
    if (split === "auto") {
      // Just enough for the worst of an even split: then there is something to choose.
      const even = planPlacement(model, this.#planBackends(PLENTY_BYTES), { strategy: "even" });
      const freeBytes = Math.max(...even.devices.map(({ needBytes }) => needBytes));
      return planPlacement(model, this.#planBackends(freeBytes));
    }
    const strategy = this.#explicit(split, model.blockCount);
    return planPlacement(model, this.#planBackends(PLENTY_BYTES), { strategy });
  }

  /** The last device takes what is left; it always has the output layer, which the operator does not count. */
  #explicit(split: readonly number[], blockCount: number): PlanStrategy {
    const layers: Record<string, number> = {};
    let left = blockCount;
    split.forEach((count, index) => {
      const isLast = index === split.length - 1;
      const taken = isLast ? left : Math.max(1, Math.min(count < 0 ? left + count : count, left));
      layers[this.backends[index]!.endpoint] = taken;
      left -= taken;
    });
    return { layers };
  }

  #planBackends(freeBytes: number): PlanBackend[] {
    return this.backends.map(({ endpoint }) => ({
      endpoint,
      devices: [{
        ...{ endpoint, deviceIndex: 0, kind: "cpu", freeBytes, totalBytes: freeBytes, memoryKey: endpoint },
      }],
    }));
  }

  async #load(path: string, { endpoints, devices, tensorSplit }: Placement, shape: PlanShape): Promise<Load> {
    const { args, env } = buildLaunchCommand({
      modelPath: path,
      alias: "zoo",
      listen: { transport: "unix", path: join(this.directory, `${this.#loadCount++}.sock`) },
      apiKey: "unused",
      slotContextSize: shape.contextSize,
      slotCount: shape.slotCount,
      rpc: { endpoints, deviceNames: devices.map(({ name }) => name), tensorSplit },
      threadCount: 1,
      cacheTypeK: shape.kvType as KvType,
      cacheTypeV: shape.kvType as KvType,
      ubatchSize: shape.ubatchSize,
      extraArgs: ["--no-warmup"],
    });
    const buffers: ToldBuffer[] = [];
    const log = new CoordinatorLog((event) => {
      if (event.type === "buffer") buffers.push(event);
    });
    const devicesOfUnits = new Map<number, string>();
    await using server = await ChildProcess.spawn({
      program: this.programs.llamaServer,
      args: args.map((arg, index) => args[index - 1] === "-lv" ? "5" : arg), // it tells layers from there on
      env: { ...Deno.env.toObject(), ...env },
      onLine: (line) => {
        log.read(line);
        const told = /load_tensors: layer +(\d+) assigned to device (\S+?),/.exec(line);
        if (told) devicesOfUnits.set(Number(told[1]), told[2]!);
      },
    });
    await untilAborted(AbortSignal.any([log.listening, server.gone]));
    if (!log.listening.aborted) {
      throw new Error(`llama-server did not start:\n${log.tail.slice(-5).join("\n")}`);
    }
    return { buffers, devicesOfUnits };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

interface Load {
  /** All that were told of: a device has two KV buffers if some of its layers have a window. */
  readonly buffers: readonly ToldBuffer[];
  /** By the index of the layer; the output layer is the last. */
  readonly devicesOfUnits: ReadonlyMap<number, string>;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function labelOf({ model, shape, split }: RealityCase): string {
  const { contextSize, slotCount, kvType, ubatchSize } = shape;
  const batch = ubatchSize === undefined ? "" : ` -ub ${ubatchSize}`;
  const how = typeof split === "string" ? split : split.join("/");
  return `${model.name}, ${how}, ${slotCount} × ${contextSize} ${kvType}${batch}`;
}

function compareDevice(label: string, planned: PlacedDevice, blockCount: number, load: Load): RealityRow {
  const units = [...load.devicesOfUnits].filter(([, name]) => name === planned.name).map(([unit]) => unit);
  const wanted = Array.from({ length: planned.layerCount }, (_, index) => planned.firstLayer + index);
  if (planned.hasOutput) wanted.push(blockCount);
  const actual = actualBytes(load.buffers, planned);
  const problems = [
    ...(units.join() === wanted.join() ? [] : [`has layers ${units.join()}, planned ${wanted.join()}`]),
    ...deviation("weights", planned.weightBytes, actual.weightBytes, 0.01, 0.01),
    ...deviation("KV", planned.kvBytes, actual.kvBytes, 0.01, 0.01),
    ...deviation("compute", planned.computeBytes, actual.computeBytes, 0.25, 0.1),
  ];
  return { label, planned, units, actual, problems };
}

function actualBytes(buffers: readonly ToldBuffer[], { endpoint, deviceIndex }: PlacedDevice): ActualBytes {
  const sum = (...uses: readonly BufferUse[]): number =>
    buffers
      .filter(({ use, device }) =>
        uses.includes(use) && device.on === "rpc" && device.endpoint === endpoint &&
        device.deviceIndex === deviceIndex
      )
      .reduce((total, { bytes }) => total + bytes, 0);
  return { weightBytes: sum("model"), kvBytes: sum("KV", "RS"), computeBytes: sum("compute") };
}

/** `over` and `under`: how far the plan may be off, in shares of what is real. */
function deviation(what: string, planned: number, actual: number, over: number, under: number): string[] {
  const isOver = planned > actual * (1 + over) + ROUNDING_BYTES;
  const isUnder = planned < actual * (1 - under) - ROUNDING_BYTES;
  if (!isOver && !isUnder) return [];
  return [`${what}: planned ${(planned / MIB).toFixed(2)} MiB, is ${(actual / MIB).toFixed(2)} MiB`];
}
