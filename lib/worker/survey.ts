import { silentLogger } from "../log.ts";
import { formatEndpoint } from "../rpc/endpoint.ts";
import type { WorkerReport } from "../rpc/worker_report.ts";
import type { GgmlDevice } from "../llama_cpp/ggml_devices.ts";
import { type GpuSource, GpuWatch } from "./gpu_watch.ts";
import { readHostFigures } from "./host_figures.ts";
import { buildReport } from "./report.ts";
import type { RpcServerLaunch } from "./rpc_server.ts";

/** What {@linkcode surveyMachine} is told. */
export interface SurveyOptions {
  /** Of this machine, for people. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  /** Of llama.cpp; `undefined` if unknown. */
  readonly build: string | undefined;
  /** Rpc servers that would run. */
  readonly launches: readonly RpcServerLaunch[];
  /** What ggml sees here. */
  readonly devices: readonly GgmlDevice[];
  /** Ways to ask the GPUs' drivers. */
  readonly sources: readonly GpuSource[];
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** The report that a worker would send first if its rpc servers ran; none is started. */
export async function surveyMachine(options: SurveyOptions): Promise<WorkerReport> {
  const { name, version, build, launches, devices, sources, signal } = options;
  await using watch = await GpuWatch.start(sources, { logger: silentLogger, signal });
  const host = await readHostFigures();
  signal.throwIfAborted();
  const servers = launches.map((launch) => ({
    endpoint: formatEndpoint({ host: launch.advertised, port: launch.port }),
    isRunning: false,
    restartCount: 0,
    protocol: undefined,
    devices: devices.filter((device) => launch.devices.includes(device.name)),
    clients: [],
  }));
  return buildReport({
    name,
    version,
    build,
    isDraining: false,
    host,
    gpus: watch.gpus,
    servers: servers.filter((server) => server.devices.length > 0),
  });
}
