import type { ExternalFacts } from "../coordinator/external.ts";
import type { ErrorCode } from "../errors.ts";
import type { ModelNeed } from "../nodes/model_need.ts";
import type { KnownNode } from "../nodes/node.ts";
import type { NodePolicy } from "../config/config.ts";

/** Stands for our own coordinators in {@linkcode Demand.tried}. */
export const OUR_COORDINATORS = "sharded";

/** What the two switches of the configuration make together. */
export type Mode = "single" | "sharding" | "distribution" | "hybrid";

/** What kind of work a request is. */
export type Task = typeof TASKS[number];

/** All kinds of work. `utility`: what costs no generation, such as to count the tokens of a text. */
export const TASKS = ["chat", "completion", "embedding", "rerank", "utility"] as const;

/** What no Ollama node can do. */
export const LLAMA_SERVER_TASKS: ReadonlySet<Task> = new Set(["rerank", "utility"]);

/** The only kind of upstream that will do for a request. */
export type OnlyKind = "llama-server";

/** What is asked for. */
export interface Demand {
  /** The model's name as people read it, aliases resolved. */
  readonly model: string;
  /** The model's canonical key. */
  readonly key: string;
  /** Default: `chat`. */
  readonly task?: Task | undefined;
  /** Names of nodes, URLs of others' coordinators, and `sharded` for ours, that failed this request: they are not chosen again. */
  readonly tried?: ReadonlySet<string> | undefined;
  /** `x-sollol-route`: `node`, `sharded`, or the name, URL or tag of a node or coordinator. It goes before a profile's. */
  readonly wish?: string | undefined;
  /** Set for what an Ollama node cannot do: no node is asked then. */
  readonly only?: OnlyKind | undefined;
  /** Name of the node that has the beginning of this conversation in its cache, if one has. */
  readonly affinity?: string | undefined;
}

/** What the operator wants. */
export interface RouteRules {
  /** Which kinds of upstream there are to be. */
  readonly mode: Mode;
  /** How one node is chosen. */
  readonly policy: NodePolicy;
  /** See `nodes.affinity_margin`. */
  readonly affinityMargin: number;
  /** See `shard_above`. */
  readonly shardAboveBytes: number | undefined;
  /** See `distributed_threshold_params`, in billions. */
  readonly distributedThresholdParams: number | undefined;
  /** What the model's profile says of where it goes. */
  readonly profile: { readonly requiresDistributed: boolean; readonly route: string | undefined } | undefined;
}

/** What sharding could do for a model, from memory: nobody is asked. */
export interface ShardingFacts {
  /** Rpc backends that are known, whatever their health: a load asks them itself. */
  readonly backendCount: number;
  /** Of these, those that are up and free. */
  readonly freeCount: number;
  /** Of these, those that coordinators of ours hold: a swap frees them. */
  readonly leasedCount: number;
  /** All memory of those that are free, or would be after a swap, bytes: what of it is free, a load finds out. */
  readonly usableBytes: number;
  /** Whether a coordinator of ours has the model ready now, or is about to. */
  readonly coordinator: "ready" | "starting" | "failed" | undefined;
  /** Whether the model's file is in our own store; `undefined` if that is not known without looking. */
  readonly isStored: boolean | undefined;
}

/** All that a decision rests on: cached facts, no probe. */
export interface Facts {
  /** What the operator wants. */
  readonly rules: RouteRules;
  /** The nodes that hold the model, up or down. */
  readonly holders: readonly KnownNode[];
  /** The nodes that were never asked what they hold, usually none: any of them may hold the model. */
  readonly unaskedNodes: readonly KnownNode[];
  /** How many nodes are known at all. */
  readonly nodeCount: number;
  /** What the model takes where it runs whole; `undefined` if nothing is known of it. */
  readonly need: ModelNeed | undefined;
  /** What our own coordinators could do. */
  readonly sharding: ShardingFacts;
  /** The llama-servers that others run (`coordinator_url`, `coordinators`). */
  readonly external: readonly ExternalFacts[];
}

/** Why a request is refused. */
export interface Refusal {
  /** What kind of refusal it is. */
  readonly code: ErrorCode;
  /** One sentence for the client. */
  readonly because: string;
}

/** Where a request goes, with the sentence that explains it. */
export type Decision =
  | { readonly to: "node"; readonly node: KnownNode; readonly because: string }
  /** All nodes that could serve it have all the requests that they get: it waits for a slot of one of them. */
  | { readonly to: "line"; readonly nodes: readonly KnownNode[]; readonly because: string }
  /** Only a node that sleeps can serve it. */
  | { readonly to: "wake"; readonly node: KnownNode; readonly because: string }
  | {
    readonly to: "external";
    /** The only one that will do, if one was asked for; `undefined`: whichever is least busy of those that serve it. */
    readonly url: string | undefined;
    readonly because: string;
  }
  | {
    readonly to: "coordinator";
    /** `rpc`: its layers are spread over rpc backends; `local`: one llama-server on this host has all of them. */
    readonly spread: "rpc" | "local";
    readonly because: string;
    /** What to answer if our store has no such model: others may have served it, but not now. */
    readonly unlessStored: Refusal | undefined;
  }
  | { readonly to: "nowhere"; readonly unlessStored: Refusal | undefined } & Refusal;

/** One upstream that a request could have gone to, and what speaks for or against it. */
export interface Candidate {
  /** What it is. */
  readonly kind: "node" | "external" | "sharded" | "local";
  /** A node's name, a coordinator's URL, or `rpc backends`. */
  readonly name: string;
  /** Whether it could serve the request now, at once or after waiting its turn. */
  readonly isPossible: boolean;
  /** Whether the request goes there; if several are marked, to one of them. */
  readonly isChosen: boolean;
  /** What speaks for or against it, in a sentence with its numbers. */
  readonly because: string;
}
