import type { KvType } from "../llama_server/args.ts";
import type { BackendLimits } from "../rpc/backend.ts";
import type { WakeTarget } from "../nodes/wake_target.ts";
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
  /** Whether requests may be distributed over Ollama nodes. */
  readonly taskDistributionEnabled: boolean;
  /** The Ollama nodes, each URL at most once, in the order of the config. */
  readonly ollamaNodes: readonly OllamaNodeConfig[];
  /** How Ollama nodes are watched, and how one is chosen among several. */
  readonly nodes: NodesConfig;
  /** Models that need more than this are sharded, though a node would hold them, bytes; `undefined`: no such limit. */
  readonly shardAboveBytes: number | undefined;
  /** Models of more parameters than this, in billions, are sharded; `undefined`: no such limit. */
  readonly distributedThresholdParams: number | undefined;
  /** What the operator says of single models, by the name as it stands in the config. */
  readonly modelProfiles: Readonly<Record<string, ModelProfile>>;
  /** What other names mean, by the name as it stands in the config. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Models that are asked instead, in this order, where one has no capacity; by the name as it stands in the config. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** How batches are run. */
  readonly batch: BatchConfig;
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
  /** Keys that may do everything. */
  readonly apiKeys: Secrets;
  /** Keys with names, rights and limits, and who is let in without one. */
  readonly auth: AuthConfig;
  /** Web pages that may use the gateway beside the usual ones, as `parseOrigin` gives them. */
  readonly origins: readonly string[];
  /** What is logged and how. */
  readonly log: LogConfig;
  /** Whether `/metrics` is served. */
  readonly isMetricsEnabled: boolean;
  /** Directory for what must outlive a restart. */
  readonly stateDir: string;
}

/** What a key is for. `admin` is everything, `worker` is joining as one. */
export type Scope = "inference" | "metrics" | "worker" | "admin";

/** Where a key is to be found. */
export type KeySource =
  /** In the config itself, as it is or as its hash. */
  | { readonly kind: "key" | "hash" }
  /** One key a line. */
  | { readonly kind: "file"; readonly path: string }
  /** Of systemd's, in `$CREDENTIALS_DIRECTORY`. */
  | { readonly kind: "credential"; readonly name: string };

/** One key, what it may do, and how much of it. */
export interface AuthKeyConfig {
  /** What it is called in logs; no other has the same. */
  readonly name: string;
  /** Where it is to be found. */
  readonly source: KeySource;
  /**
   * SHA-256 of each secret that is this key, in lower-case hexadecimal digits; none for a file or a credential until
   * `readKeys` has read it.
   */
  readonly sha256: readonly string[];
  /** At least one. */
  readonly scopes: readonly Scope[];
  /** Patterns with `*` of the models that it may use; `undefined` for all. */
  readonly models: readonly string[] | undefined;
  /** Most requests for models in a minute; `undefined`: any number. */
  readonly requestsPerMinute: number | undefined;
  /** Most requests for models at a time; `undefined`: any number. */
  readonly concurrency: number | undefined;
  /** The highest priority that its requests get; `undefined`: any. */
  readonly maxPriority: number | undefined;
}

/** Who may use the gateway. */
export interface AuthConfig {
  /** Each name once. */
  readonly keys: readonly AuthKeyConfig[];
  /** Whether clients elsewhere that show no key may ask models. */
  readonly allowsAnonymous: boolean;
}

/** Where an rpc backend is, and what of it may be used. */
export interface RpcBackendConfig extends Endpoint {
  /** What the operator allows. */
  readonly limits: BackendLimits;
}

/** An Ollama node, and how much of it may be used. */
export interface OllamaNodeConfig {
  /** Base URL, with its port, without a closing slash or credentials. */
  readonly url: string;
  /** What it is called; `undefined`: after its host. */
  readonly name: string | undefined;
  /** Most requests that it gets at a time; `undefined`: as `nodes.slots` says. */
  readonly slotCount: number | undefined;
  /** How much more than others it is given; `undefined`: 1. */
  readonly weight: number | undefined;
  /** What it is called to route by; `undefined`: nothing. */
  readonly tags: readonly string[] | undefined;
  /** Patterns with `*` of the models that it may serve; `undefined` and empty for all. */
  readonly models: readonly string[] | undefined;
  /** Its memory for models; `undefined`: as rpc backends on its host tell, or unknown. */
  readonly memoryBytes: number | undefined;
  /** The key that it, or a proxy before it, asks for. */
  readonly apiKey: Secrets | undefined;
  /** How it is woken, if it may sleep. */
  readonly wake: WakeTarget | undefined;
}

/** How one node is chosen among those that could serve a request. */
export type NodePolicy = "auto" | "least_busy" | "round_robin" | "fastest";

/** How Ollama nodes are watched, and how one is chosen among several. */
export interface NodesConfig {
  /** How one is chosen. */
  readonly policy: NodePolicy;
  /** Whether an Ollama on this host is found by itself. */
  readonly isLocalFound: boolean;
  /** Requests that a node gets at a time where its own entry does not say. */
  readonly slotCount: number;
  /** Between two checks of one that is up; one that is down is asked more often. */
  readonly checkEveryMs: number;
  /** By how many requests a node that has a conversation in its cache may be busier than the best one. */
  readonly affinityMargin: number;
  /** Texts of one embedding request that a node gets at a time; longer arrays are split over the nodes. */
  readonly embeddingBatch: number;
  /** Time after which an embedding request is sent to a second node as well; `undefined`: never. */
  readonly hedgeAfterMs: number | undefined;
  /** Longest time for a node to wake up. */
  readonly wakeMs: number;
  /** Whether models that nobody can serve now are left out of lists. */
  readonly hidesUnavailable: boolean;
}

/** What the operator says of a model; what is not said is found out. */
export interface ModelProfile {
  /** In billions. */
  readonly parameterCount: number | undefined;
  /** All that it takes where it runs. */
  readonly memoryBytes: number | undefined;
  /** Whether it is always sharded. */
  readonly requiresDistributed: boolean;
  /** Where it goes: `node`, `sharded`, or the name, URL or tag of a node or coordinator. */
  readonly route: string | undefined;
}

/** How batches are run. */
export interface BatchConfig {
  /** Requests of batches that are under way at a time. */
  readonly concurrency: number;
  /** How often a request of a batch is asked again after a failure that may pass. */
  readonly retryCount: number;
  /** Largest file that may be uploaded. */
  readonly fileBytes: number;
  /** For how long finished batches, their files, and files that no batch uses are kept. */
  readonly keepMs: number;
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
  /** Largest head of a request, and of an upstream's answer. */
  readonly headerBytes: number;
  /** Connections of clients that are open at a time. */
  readonly connectionCount: number;
  /** The same from one address. */
  readonly connectionsPerClient: number;
  /** Requests for models of one client (by its key, else by its address) at a time; `undefined`: any number. */
  readonly clientConcurrency: number | undefined;
  /** The same in a minute; `undefined`: any number. */
  readonly clientRequestsPerMinute: number | undefined;
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
  /** Until an answer begins, over all attempts. */
  readonly firstByteMs: number;
  /** For a client's request head, from its first byte or the connection on. */
  readonly clientHeaderMs: number;
  /** For a client's connection without a request. */
  readonly clientIdleMs: number;
  /** For a client's request body that makes no progress. */
  readonly clientBodyMs: number;
}

/** What is logged and how. */
export interface LogConfig {
  /** Least severe lines that are written. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: "auto" | "json" | "pretty";
}
