import type { LaunchOptions, RpcPlacement, ServerAddress } from "../llama_server/args.ts";
import type { Placement } from "../planner/placement.ts";

/** What to start, where its layers go, and how long that may take. Where it listens is chosen at the start. */
export interface CoordinatorLaunch extends Omit<LaunchOptions, "alias" | "listen" | "apiKey" | "rpc"> {
  /** Path of llama-server, or its name on `PATH`. */
  readonly program: string;
  /** The model's name, in answers and sentences. */
  readonly model: string;
  /** What is loaded, for the deadline. */
  readonly modelBytes: number;
  /** Without it, or without endpoints in it, the model stays on this host. */
  readonly placement?: Placement | undefined;
  /** A unix socket is reachable only by us, and no port can be taken. Default `unix`. */
  readonly transport?: "unix" | "tcp" | undefined;
  /** Where its private directory is made. Default: the host's directory for temporary files. */
  readonly runtimeDirectory?: string | undefined;
  /** How long a load may take, ms. Default: {@linkcode defaultLoadTimeoutMs}. */
  readonly loadTimeoutMs?: number | undefined;
  /** How long the rpc backends may take to answer it, ms: one that is held never does. Default 5 s. */
  readonly enumerateTimeoutMs?: number | undefined;
  /** Keeps its output in a file, of at most twice this size. */
  readonly logFile?: { readonly path: string; readonly maxBytes?: number } | undefined;
}

/** The slowest network and disk that we wait for: a homelab's Wi-Fi. */
const SLOWEST_BYTES_PER_MS = 20_000;
const LEAST_LOAD_TIMEOUT_MS = 60_000;

/** One minute, and one second more for each 20 MB. */
export function defaultLoadTimeoutMs(modelBytes: number): number {
  return LEAST_LOAD_TIMEOUT_MS + Math.ceil(modelBytes / SLOWEST_BYTES_PER_MS);
}

/** The launch in llama-server's words. */
export function toLaunchOptions(
  launch: CoordinatorLaunch,
  listen: ServerAddress,
  apiKey: string,
): LaunchOptions {
  const { placement } = launch;
  return {
    ...launch,
    alias: launch.model,
    listen,
    apiKey,
    rpc: placement && toRpc(placement),
  };
}

function toRpc({ endpoints, devices, tensorSplit }: Placement): RpcPlacement | undefined {
  if (endpoints.length === 0) return undefined;
  return { endpoints, deviceNames: devices.map(({ name }) => name), tensorSplit };
}

/**
 * The environment of a llama-server: ours without what would change its options behind our back, and without
 * our own secrets.
 */
export function coordinatorEnvironment(
  ours: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(ours).filter(([name]) => !/^(LLAMA|SOLLOL|MTMD)_/.test(name));
  return { ...Object.fromEntries(kept), ...own };
}
