import type { KvType } from "../llama_server/args.ts";
import type { BackendLimits } from "../rpc/backend.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { RedisAddress } from "../redis/address.ts";
import type { ListenAddress } from "./listen_address.ts";
import type { PlacementSetting } from "./placement_setting.ts";
import type { Secrets } from "./secrets.ts";

/** What the operator wants, validated, in the units that code uses. `undefined` means: not said. */
export interface Config {
  /** Where our HTTP server listens. */
  readonly listen: ListenAddress;
  /** Model for requests that name none. */
  readonly model: string | undefined;
  /** Whether a model may be spread over rpc backends. */
  readonly modelShardingEnabled: boolean;
  /** Whether requests may go to Ollama nodes. */
  readonly taskDistributionEnabled: boolean;
  /** Each at most once, in the order of the config. */
  readonly rpcBackends: readonly RpcBackendConfig[];
  /** How rpc backends are watched and planned with. */
  readonly rpc: RpcConfig;
  /** Where the predecessor's nodes registered. */
  readonly redis: RedisAddress | undefined;
  /** What a worker must show to join. */
  readonly workerToken: Secrets | undefined;
  /** Base URL of a llama-server that already runs, with its port, without a closing slash or credentials. */
  readonly coordinatorUrl: string | undefined;
  /** More llama-servers that already run, each at most once and none of them `coordinatorUrl`. */
  readonly coordinators: readonly ExternalCoordinatorConfig[];
  /** Ollama stores, directories of GGUF files and `.gguf` files; empty for Ollama's usual places. */
  readonly models: readonly string[];
  /** Where the programs of llama.cpp are. */
  readonly llamaCpp: LlamaCppConfig;
  /** How coordinators are started. */
  readonly coordinator: CoordinatorConfig;
  /** Which coordinators run, and for how long. */
  readonly pool: PoolConfig;
  /** What clients see while their model loads. */
  readonly waiting: WaitingConfig;
  /** Whether a chat stream whose coordinator died is continued by the next one. */
  readonly hasResumedStreams: boolean;
  /** How much we accept. */
  readonly limits: LimitsConfig;
  /** How long we wait. */
  readonly timeouts: TimeoutsConfig;
  /** Keys of which a client must show one; none: everyone is let in. */
  readonly apiKeys: Secrets;
  /** What is logged and how. */
  readonly log: LogConfig;
  /** Whether `/metrics` is served. */
  readonly isMetricsEnabled: boolean;
  /** Directory for what must outlive a restart. */
  readonly stateDir: string;
}

/** Where an rpc backend is, and what of it may be used. */
export interface RpcBackendConfig extends Endpoint {
  /** What the operator allows. */
  readonly limits: BackendLimits;
}

/** How rpc backends are watched and planned with. */
export interface RpcConfig {
  /** For how long a backend that was up is not asked again. */
  readonly trustMs: number;
  /** Backends that are asked at the same time. */
  readonly maxProbes: number;
  /** Memory of each device that plans leave free. */
  readonly reserveBytes: number;
}

/** Where the programs of llama.cpp are; what is not said is searched for. */
export interface LlamaCppConfig {
  /** Path or bare name of llama-server. */
  readonly llamaServer: string | undefined;
  /** Path or bare name of ggml-rpc-server. */
  readonly rpcServer: string | undefined;
  /** Directory of an installation with `bin/` and `lib/`. */
  readonly prefix: string | undefined;
}

/** How coordinators are started. */
export interface CoordinatorConfig {
  /** Tokens of context per slot. */
  readonly contextSize: number;
  /** Whether the operator chose `contextSize`; if not, a model's own `num_ctx` wins over it. */
  readonly isContextSizeSet: boolean;
  /** Fewest tokens of context per slot where `contextSize` does not fit; `undefined`: it is not made smaller. */
  readonly minContextSize: number | undefined;
  /** Requests that one coordinator answers at a time. */
  readonly slots: number;
  /** CPU threads. */
  readonly threads: number | undefined;
  /** Tokens of a prompt per logical batch. */
  readonly batchSize: number | undefined;
  /** Tokens of a prompt per physical batch. */
  readonly ubatchSize: number | undefined;
  /** Type of the K and V cache. */
  readonly kvType: KvType;
  /** How layers are dealt. */
  readonly placement: PlacementSetting;
  /** Memory for the cache of earlier prompts; 0 for none. */
  readonly cacheRamBytes: number;
  /** Longest time for loading a model. */
  readonly loadTimeoutMs: number | undefined;
  /** Silence after which a starting coordinator is looked at. */
  readonly startupWatchdogMs: number;
  /** Arguments added to the command line as they are; may hold secrets. */
  readonly extraArgs: readonly string[];
  /** How we talk to a coordinator. */
  readonly transport: "unix" | "tcp";
  /** Directory of the coordinators' logs. */
  readonly logDir: string;
  /** Size at which a log is turned over. */
  readonly logMaxBytes: number;
}

/** A llama-server that somebody else starts and stops. */
export interface ExternalCoordinatorConfig {
  /** Base URL, with its port, without a closing slash or credentials. */
  readonly url: string;
  /** The key that it asks for. */
  readonly apiKey: Secrets | undefined;
  /** The one model that it is used for; `undefined`: those that it lists. */
  readonly model: string | undefined;
}

/** Which coordinators run, and for how long. */
export interface PoolConfig {
  /** Most that run at a time. */
  readonly maxCoordinators: number;
  /** For how long an idle one stays; `Infinity` for ever. */
  readonly idleTtlMs: number;
  /** For how long one that was just loaded is not stopped for another model. */
  readonly minResidencyMs: number;
  /** For how long requests for a loaded model may overtake one that waits for its place. */
  readonly swapWaitMs: number;
  /** Names of models that are never stopped for others, nor for being idle; each at most once as it is spelled. */
  readonly pinned: readonly string[];
  /** Names of models that are loaded at the start, in this order; each at most once as it is spelled. */
  readonly prewarm: readonly string[];
  /** How often one that dies without an answer in between is started again within `restartWindowMs`. */
  readonly maxRestarts: number;
  /** See `maxRestarts`. */
  readonly restartWindowMs: number;
}

/** What clients see while their model loads. */
export interface WaitingConfig {
  /** How often a waiting stream sends a comment line. */
  readonly commentEveryMs: number;
  /** Whether it tells in its reasoning field what it waits for. */
  readonly hasNotes: boolean;
}

/** How much we accept. */
export interface LimitsConfig {
  /** Largest request body. */
  readonly bodyBytes: number;
  /** Largest head of an upstream's answer. */
  readonly headerBytes: number;
  /** Requests that may wait at a time. */
  readonly queueCount: number;
  /** Longest time that a request waits for room. */
  readonly queueWaitMs: number;
}

/** How long we wait. */
export interface TimeoutsConfig {
  /** For a connection to an upstream. */
  readonly connectMs: number;
  /** For the answers of an rpc backend to a probe. */
  readonly probeMs: number;
  /** For requests in flight at shutdown. */
  readonly drainMs: number;
  /** For an answer that makes no progress; a prompt gets more, by its length. */
  readonly stallMs: number;
}

/** What is logged and how. */
export interface LogConfig {
  /** Least severe lines that are written. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: "auto" | "json" | "pretty";
}
