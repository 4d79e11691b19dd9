import type { WorkerReport } from "../rpc/worker_report.ts";
import type { GpuFigures, HostFigures } from "./device_figures.ts";
import type { GgmlDevice } from "../llama_cpp/ggml_devices.ts";
import { toReportedDevice } from "./match_devices.ts";

/** What is known of one rpc server. */
export interface ServerFacts {
  /** `host:port` at which the gateway reaches it. */
  readonly endpoint: string;
  /** Whether it listens. */
  readonly isRunning: boolean;
  /** How often it had to be started again. */
  readonly restartCount: number;
  /** Version of the rpc protocol, if it said one. */
  readonly protocol: string | undefined;
  /** What it exposes. */
  readonly devices: readonly GgmlDevice[];
  /** `address:port` of its clients. */
  readonly clients: readonly string[];
}

/** All that a report is made of. */
export interface WorkerFacts {
  /** Of this machine, for people. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  /** Of llama.cpp, such as `b11669`; `undefined` if unknown. */
  readonly build: string | undefined;
  /** Whether it is about to stop. */
  readonly isDraining: boolean;
  /** RAM and processors. */
  readonly host: HostFigures;
  /** Those that rpc servers may see. */
  readonly gpus: readonly GpuFigures[];
  /** Each with at least one device. */
  readonly servers: readonly ServerFacts[];
}

/** A message has room for so many clients; a server serves one, and queues two. */
const MAX_CLIENTS = 16;

/** What the gateway is told. Figures are as the drivers say; those that they do not say are left out. */
export function buildReport(facts: WorkerFacts): WorkerReport {
  const { name, version, build, isDraining, host, gpus, servers } = facts;
  const protocol = servers.find((server) => server.protocol !== undefined)?.protocol;
  return {
    name,
    version,
    is_draining: isDraining,
    ...(protocol !== undefined && { protocol }),
    ...(build !== undefined && { build }),
    host: {
      cpu_count: host.cpuCount,
      ...(host.load1m !== undefined && { load_1m: host.load1m }),
      memory_total_bytes: host.totalBytes,
      memory_available_bytes: host.availableBytes,
    },
    backends: servers.map((server) => ({
      endpoint: server.endpoint,
      is_running: server.isRunning,
      restart_count: server.restartCount,
      held_by: server.clients.slice(0, MAX_CLIENTS),
      devices: server.devices.map((device) => toReportedDevice(device, { host, gpus })),
    })),
  };
}
