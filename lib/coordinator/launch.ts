import type { CacheType } from "../llama_server/args.ts";
import type { LaunchOptions, ListenAddress } from "../llama_server/args.ts";
import type { Placement } from "../planner/placement.ts";

/** What to start, where its layers go, and how long that may take. */
export interface CoordinatorLaunch {
  /** Path of llama-server, or its name on `PATH`. */
  readonly program: string;
  /** The model's name, in answers and sentences. */
  readonly model: string;
  /** The GGUF file; the first shard of a split one. */
  readonly modelPath: string;
  /** What is loaded, for the deadline. */
  readonly modelBytes: number;
  /** Without it the model stays on this host. */
  readonly placement?: Placement | undefined;
  /** Tokens of one slot. */
  readonly slotContextSize: number;
  /** Requests that are computed at once. */
  readonly slotCount: number;
  /** For what is computed on this host. Default: all cores. */
  readonly threadCount?: number | undefined;
  /** Host memory for prompts of earlier requests, MiB. Default 256. */
  readonly promptCacheMib?: number | undefined;
  /** Default `f16`. */
  readonly cacheTypeK?: CacheType | undefined;
  /** Default `f16`; a quantised one needs flash attention. */
  readonly cacheTypeV?: CacheType | undefined;
  /** The projector of a model that sees or hears. */
  readonly mmprojPath?: string | undefined;
  /** LoRA adapters, all applied at full strength. */
  readonly loraPaths?: readonly string[] | undefined;
  /** Options of the user for llama-server, after ours. */
  readonly extraArgs?: readonly string[] | undefined;
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
  listen: ListenAddress,
  apiKey: string,
): LaunchOptions {
  const { placement } = launch;
  return {
    ...launch,
    alias: launch.model,
    listen,
    apiKey,
    rpc: placement && {
      endpoints: placement.endpoints,
      deviceNames: placement.devices.map(({ name }) => name),
      tensorSplit: placement.tensorSplit,
    },
  };
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
