import type { UpstreamAddress } from "../http/address.ts";
import type { HeaderList } from "../http/headers.ts";
import type { WakeTarget } from "./wake_target.ts";

/** How a node is: `unknown` until it was asked once. */
export type NodeHealth = "unknown" | "up" | "down";

/**
 * What live traffic says of a node that answers its checks. `closed`: requests go there. `open`: too many failed of late,
 * none goes there. `half-open`: one goes there, as a trial.
 */
export type BreakerState = "closed" | "open" | "half-open";

/** Who told of a node. `admin`: an operator, be it after a search of the network; `local`: it was found on this host. */
export type NodeSource = "config" | "environment" | "admin" | "local";

/** A model that a node holds on its disk. */
export interface NodeModel {
  /** Canonical key: equal for one model, whatever the spelling. */
  readonly key: string;
  /** The name as the node spells it: what it has to be asked for. */
  readonly name: string;
  /** SHA-256 of its manifest in hex; two nodes with one name and two digests hold two models. */
  readonly digest: string;
  /** All that belongs to it on the disk, bytes. */
  readonly sizeBytes: number;
  /** Such as `Q4_K_M`, where the node told. */
  readonly quantization: string | undefined;
  /** Number of parameters for people: `8.0B`, where the node told. */
  readonly parameterSize: string | undefined;
  /** The GGUF's architecture, where the node told. */
  readonly family: string | undefined;
  /** When it changed, ms since 1970; 0 where the node did not tell. */
  readonly modifiedAtMs: number;
}

/** A model that a node has in memory. */
export interface ResidentModel {
  /** Canonical key. */
  readonly key: string;
  /** The name as the node spells it. */
  readonly name: string;
  /** Weights, KV cache and buffers, bytes. */
  readonly sizeBytes: number;
  /** The part of it that is on GPUs, bytes; never more than `sizeBytes`. */
  readonly vramBytes: number;
  /** When the node unloads it if nobody asks, ms since 1970; `Infinity` for never. */
  readonly expiresAtMs: number;
  /** Tokens of one request's context, where the node told. */
  readonly contextLength?: number;
}

/** One node as it is now. Read-only and live: what it says may change after each `await`. */
export interface KnownNode {
  /** Names it for people and in `x-sollol-route`; unique. */
  readonly name: string;
  /** Base URL, with its port, without a closing slash. */
  readonly url: string;
  /** Where it listens. */
  readonly address: UpstreamAddress;
  /** Path that stands before every target; often empty. */
  readonly basePath: string;
  /** Headers that every request carries: its API key, which is shown nowhere. */
  readonly headers: HeaderList;
  /** Whether it runs on the host of this gateway. */
  readonly isLocal: boolean;
  /** Whether it answers its checks. */
  readonly health: NodeHealth;
  /** Why, in a sentence for a person. */
  readonly reason: string;
  /** What live traffic says. */
  readonly breaker: BreakerState;
  /** Whether a request may go there for all that is known of its soundness: it is up, trusted (or its one trial is free), and not asked for a pause. */
  readonly isSound: boolean;
  /** Why not, in a clause such as `paused for 12 s at its own wish`; `undefined` if it is. */
  readonly unsoundness: string | undefined;
  /** Requests of ours that it has. */
  readonly inFlightCount: number;
  /** Whether it has a request of ours for this model: then it has the model in memory, or is loading it. */
  isServing(key: string): boolean;
  /** Most requests that it gets at a time. */
  readonly slotCount: number;
  /** How much more than others it is given, usually 1. */
  readonly weight: number;
  /** What the operator calls it, to route by. */
  readonly tags: readonly string[];
  /** Its memory for models, bytes: the operator's word, or what the rpc backends on its host tell; `undefined` if nobody knows. */
  readonly memoryBytes: number | undefined;
  /** What it holds, by canonical key: what it told last, before the gateway was started if not since. */
  readonly models: ReadonlyMap<string, NodeModel>;
  /** Whether it was ever asked what it holds, with success; if not, nobody knows. */
  readonly wasAsked: boolean;
  /** What it has in memory, by canonical key. */
  readonly resident: ReadonlyMap<string, ResidentModel>;
  /** Memory that its resident models take, bytes. */
  readonly residentBytes: number;
  /** Moving average of the time to the first token, ms; `undefined` until there was one. Never of whole answers. */
  readonly firstTokenMs: number | undefined;
  /** Moving average of a model's tokens a second there; `undefined` until there was an answer. */
  tokensPerSecondOf(key: string): number | undefined;
  /** Whether the operator lets it serve this model. */
  allows(key: string): boolean;
  /** Whether it said of late that it has too little memory for this model. */
  hasRefused(key: string): boolean;
  /** Counts up each time that any node is chosen; the higher, the later it was. */
  readonly lastTurn: number;
  /** How it can be woken, if it can. */
  readonly wake: WakeTarget | undefined;
}

/** The right to one of a node's slots, until disposal; disposing it again does nothing. */
export interface NodeLease extends Disposable {
  /** Whose slot it is. */
  readonly node: KnownNode;
  /** The model's name as the node spells it; as the client did, where the node does not list it. */
  readonly modelName: string;
  /** Aborts when the request is not to be waited for any longer, for the node is silent; the reason, a `GatewayError`, says so. A node that is removed finishes what it has. */
  readonly lost: AbortSignal;
  /** The first token of an answer has come, so long after the request was sent. */
  reportFirstToken(ms: number): void;
  /** Bytes of an answer have come: it is at work. */
  reportBytes(): void;
  /** The answer was whole; tokens that it had, and what they took, ms, where that is known. */
  reportServed(tokens?: { readonly count: number; readonly ms: number }): void;
  /** The node failed this request by its own fault: it could not be reached, broke off, or answered nonsense or 5xx. */
  reportFailure(thrown: unknown): void;
  /** It has too much to do, and is to be left alone for so long, ms; no fault. */
  reportBusy(pauseMs: number): void;
  /** It does not have the model, though it was known to: it is asked again what it has. */
  reportMissing(): void;
  /** It said that the model needs more memory than it has. */
  reportTooLarge(): void;
  /** Gives the slot back before it is known what to say of the node: a verdict still counts until the disposal. */
  giveSlotBack(): void;
}

/** How a node is, for people. */
export interface NodeState {
  /** Names it for people; unique. */
  readonly name: string;
  /** Base URL, with its port, without a closing slash. */
  readonly url: string;
  /** Other addresses of the same node. */
  readonly aliases: readonly string[];
  /** Who told of it. */
  readonly sources: readonly NodeSource[];
  /** Whether it runs on the host of this gateway. */
  readonly isLocal: boolean;
  /** Whether it answers its checks. */
  readonly health: NodeHealth;
  /** Why, in a clause for a person. */
  readonly reason: string;
  /** Since when that is known, ms ago; `undefined` while it is not. */
  readonly ageMs: number | undefined;
  /** What live traffic says. */
  readonly breaker: BreakerState;
  /** Ollama's own, such as `0.33.0`; `undefined` until it told. */
  readonly version: string | undefined;
  /** Requests of ours that it has. */
  readonly inFlightCount: number;
  /** Most requests that it gets at a time. */
  readonly slotCount: number;
  /** How much more than others it is given, usually 1. */
  readonly weight: number;
  /** What the operator calls it, to route by. */
  readonly tags: readonly string[];
  /** Patterns of the models that it may serve; empty for all. */
  readonly allowedModels: readonly string[];
  /** Its memory for models, bytes; `undefined` if nobody knows. */
  readonly memoryBytes: number | undefined;
  /** Moving average of the time to the first token, ms; `undefined` until there was one. */
  readonly firstTokenMs: number | undefined;
  /** Requests that it answered whole, since this gateway runs. */
  readonly servedCount: number;
  /** Requests that it failed, since this gateway runs. */
  readonly failedCount: number;
  /** Whether it can be woken. */
  readonly canWake: boolean;
}

/** A node for people, in few words: nodes may hold thousands of models. */
export interface NodeSummary extends NodeState {
  /** Models that it holds. */
  readonly modelCount: number;
  /** Models that it has in memory. */
  readonly residentCount: number;
  /** Memory that these take, bytes. */
  readonly residentBytes: number;
}

/** A node for people, with all that it holds. */
export interface NodeView extends NodeState {
  /** What it holds, with its speed where that is known. */
  readonly models: readonly (NodeModel & { readonly tokensPerSecond?: number | undefined })[];
  /** What it has in memory. */
  readonly resident: readonly ResidentModel[];
}

/** What happened to a node, for logs and for whoever watches. */
export interface NodeEvent {
  /** Names it for people. */
  readonly name: string;
  /** How it is from now on. */
  readonly health: NodeHealth;
  /** What live traffic says from now on. */
  readonly breaker: BreakerState;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** What the nodes are asked of by those who route. */
export interface NodePool {
  /** All of them, live. */
  readonly nodes: readonly KnownNode[];
  /** Those that hold a model, up or down, by its key; costs nothing. */
  holdersOf(key: string): readonly KnownNode[];
  /** Those that were never asked what they hold, usually none; costs nothing. */
  readonly unaskedNodes: readonly KnownNode[];
  /** Takes a slot in the same step in which it was chosen. @returns `undefined` if it has none left, or is no longer sound. */
  lease(node: KnownNode, key: string): NodeLease | undefined;
  /** Calls back whenever a slot may have become free or a node's health has changed; until disposal. Must not throw. */
  onChange(listener: () => void): Disposable;
}
