import { type Clock, systemClock } from "../clock.ts";
import type { Environment } from "../config/environment.ts";
import { GatewayError, messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { findOnPath } from "../process/executable.ts";
import { describeFailure, run } from "../process/run.ts";
import { readAmdgpuSysfs } from "./amdgpu_sysfs.ts";
import type { GpuFigures } from "./device_figures.ts";
import { visibleGpus } from "./match_devices.ts";
import { NVIDIA_SMI_ARGS, parseNvidiaSmi } from "./nvidia_smi.ts";
import { parseRocmSmi, ROCM_SMI_ARGS } from "./rocm_smi.ts";

/** One way to ask a driver. */
export interface GpuSource {
  /** What is asked, for the log: `nvidia-smi`. */
  readonly name: string;
  /** Asks once. @throws {GatewayError} Why it could not. */
  read(signal: AbortSignal): Promise<readonly GpuFigures[]>;
}

/** How a {@linkcode GpuWatch} works. */
export interface GpuWatchOptions {
  /** Hears when a driver does not answer, and when it does again. */
  readonly logger: Logger;
  /** Times the rounds. Default: the host's. */
  readonly clock?: Clock;
  /** From the end of one round to the next, ms. Default 2 s. */
  readonly intervalMs?: number;
}

/** How old a temperature may be; of the memory what was said last is the best guess, however old. */
const FRESH_MS = 30_000;
/** How long the end waits for a driver that hangs. */
const STOP_MS = 3_000;

/** Where {@linkcode findGpuSources} looks, and how long its sources may take. */
export interface GpuSourceOptions {
  /** What stands before `/sys`; a test's directory. */
  readonly root?: string;
  /** After how long a tool is ended, ms. Default 5 s. */
  readonly toolTimeoutMs?: number;
}

/** The ways to ask that there are on this machine: the vendors' tools, or the kernel where AMD's is missing. */
export async function findGpuSources(
  env: Environment,
  { root = "/", toolTimeoutMs = 5_000 }: GpuSourceOptions = {},
): Promise<GpuSource[]> {
  const [nvidiaSmi, rocmSmi] = await Promise.all(
    ["nvidia-smi", "rocm-smi"].map((name) => findOnPath(name, env["PATH"])),
  );
  const sources: GpuSource[] = [];
  if (nvidiaSmi) {
    const tool = { name: "nvidia-smi", path: nvidiaSmi, args: NVIDIA_SMI_ARGS, timeoutMs: toolTimeoutMs };
    sources.push(toolSource(tool, (output) => {
      return visibleGpus(parseNvidiaSmi(output), env["CUDA_VISIBLE_DEVICES"]);
    }));
  }
  const cards = amdSource(root, env, rocmSmi, toolTimeoutMs);
  if (rocmSmi || (await readAmdgpuSysfs(root)).length > 0) sources.push(cards);
  return sources;
}

/**
 * The last known figures of this machine's GPUs. The drivers are asked at their own pace, one question at a time
 * each: nvidia-smi may take a second, and may hang with its driver.
 */
export class GpuWatch implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #lanes: Lane[];
  readonly #firstRound: Promise<unknown>;
  readonly #loops: Promise<unknown>;

  private constructor(sources: readonly GpuSource[], private readonly options: GpuWatchOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#lanes = sources.map((source) => ({ source, gpus: [], readMs: -Infinity, fault: undefined }));
    const rounds = this.#lanes.map((lane) => this.#round(lane));
    this.#firstRound = Promise.all(rounds);
    this.#loops = Promise.all(this.#lanes.map((lane, index) => this.#loop(lane, rounds[index]!)));
  }

  /** Starts to watch, and resolves after the first round, or when the signal aborts. */
  static async start(
    sources: readonly GpuSource[],
    { signal, ...options }: GpuWatchOptions & { signal: AbortSignal },
  ): Promise<GpuWatch> {
    const watch = new GpuWatch(sources, options);
    const aborted = Promise.withResolvers<void>();
    const onAbort = () => aborted.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    await Promise.race([watch.#firstRound, aborted.promise]);
    signal.removeEventListener("abort", onAbort);
    return watch;
  }

  /** All GPUs, at once; those of a driver that hangs with their memory only. */
  get gpus(): readonly GpuFigures[] {
    return this.#lanes.flatMap(({ gpus, readMs }) => {
      const isFresh = this.#clock.monotonic() - readMs <= FRESH_MS;
      return isFresh
        ? gpus
        : gpus.map((gpu) => ({ ...gpu, temperatureC: undefined, utilisation: undefined }));
    });
  }

  /** Ends the questions. One to a driver that hangs cannot be ended, and is left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    const giveUp = new AbortController();
    await Promise.race([
      this.#loops.finally(() => giveUp.abort()),
      this.#clock.sleep(STOP_MS, { signal: giveUp.signal }).catch(() => {}),
    ]);
  }

  async #loop(lane: Lane, firstRound: Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    await firstRound;
    while (!signal.aborted) {
      await this.#clock.sleep(this.options.intervalMs ?? 2_000, { signal }).catch(() => {});
      if (!signal.aborted) await this.#round(lane);
    }
  }

  async #round(lane: Lane): Promise<void> {
    const { signal } = this.#stopping;
    const source = lane.source.name;
    try {
      lane.gpus = await lane.source.read(signal);
      lane.readMs = this.#clock.monotonic();
      if (lane.fault !== undefined) this.options.logger.info("gpu figures are back", { source });
      lane.fault = undefined;
    } catch (error) {
      const fault = messageOf(error);
      if (!signal.aborted && fault !== lane.fault) {
        this.options.logger.warn("no gpu figures", { source, error });
      }
      lane.fault = fault;
    }
  }
}

interface Lane {
  readonly source: GpuSource;
  gpus: readonly GpuFigures[];
  readMs: number;
  /** What was logged, so that it is logged once. */
  fault: string | undefined;
}

/** The tool knows more than the kernel, but is missing, or fails, where the whole of ROCm is not installed. */
function amdSource(
  root: string,
  env: Environment,
  rocmSmi: string | undefined,
  timeoutMs: number,
): GpuSource {
  const visible = env["HIP_VISIBLE_DEVICES"] ?? env["ROCR_VISIBLE_DEVICES"];
  const kernel: GpuSource = {
    name: "/sys/class/drm",
    read: async () => visibleGpus(await readAmdgpuSysfs(root), visible),
  };
  if (rocmSmi === undefined) return kernel;
  const tool = toolSource({ name: "rocm-smi", path: rocmSmi, args: ROCM_SMI_ARGS, timeoutMs }, (output) => {
    return visibleGpus(parseRocmSmi(output), visible);
  });
  const read = (signal: AbortSignal) =>
    tool.read(signal).catch(async (error) => {
      const cards = signal.aborted ? [] : await kernel.read(signal);
      if (cards.length === 0) throw error;
      return cards;
    });
  return { name: tool.name, read };
}

/** A vendor's program that prints figures and ends. */
interface Tool {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

function toolSource(
  { name, path, args, timeoutMs }: Tool,
  parse: (output: string) => readonly GpuFigures[],
): GpuSource {
  return {
    name,
    async read(signal) {
      const result = await run(path, args, { signal, timeoutMs });
      if (result.code !== 0 || result.timedOut) {
        throw new GatewayError("upstream_failed", `${name} ${describeFailure(result, timeoutMs)}`);
      }
      try {
        return parse(result.stdout);
      } catch (error) {
        throw new GatewayError("upstream_failed", `${name} gives no figures: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}
