import { type Clock, systemClock } from "../clock.ts";
import type { HttpClient } from "../http/client.ts";
import type { Logger } from "../log.ts";
import type { KnownNode, NodeEvent, NodeLease, NodePool, NodeView } from "./node.ts";
import type { NodeSettings } from "./node_settings.ts";

/** What the operator may change while the nodes are watched. */
export interface NodeWatch {
  /** Between two checks of a node that is up, ms. */
  readonly checkEveryMs: number;
  /** For how long nothing may be heard of a node until the requests that it has are given up, ms. */
  readonly stallMs: number;
}

/** How {@linkcode NodeRegistry} works. */
export interface NodeRegistryOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Gets a line for each change of health or breaker. */
  readonly logger: Logger;
  /** Time. Default: the host's. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** What the operator wants now; read anew each time. */
  readonly settings: () => NodeWatch;
  /** Is told of each change of health or breaker. Must not throw. */
  readonly onEvent?: (event: NodeEvent) => void;
  /** Is told when what a node holds has changed. Must not throw. */
  readonly onModels?: (node: KnownNode) => void;
}

/** The Ollama nodes. (Bodies are being written.) */
export class NodeRegistry implements NodePool, AsyncDisposable {
  readonly #clock: Clock;

  /** Knows no node, and asks nobody yet: see {@linkcode apply} and {@linkcode start}. */
  constructor({ clock = systemClock }: NodeRegistryOptions) {
    this.#clock = clock;
  }

  /** Those of the last {@linkcode apply}, in its order. */
  get nodes(): readonly KnownNode[] {
    return [];
  }

  /** Asks all at once, and from then on in their rhythm. Resolves when all were asked once, after 2.5 s at most; never rejects. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes another list. */
  apply(_list: readonly NodeSettings[]): void {}

  /** Asks all, or those of these names, now. */
  refresh(_options: { names?: readonly string[]; signal: AbortSignal }): Promise<void> {
    return Promise.resolve();
  }

  /** Those that hold a model. */
  holdersOf(_key: string): readonly KnownNode[] {
    return [];
  }

  /** Takes a slot. */
  lease(_node: KnownNode, _key: string): NodeLease | undefined {
    return undefined;
  }

  /** Each, for people. */
  views(): NodeView[] {
    return [];
  }

  /** What a worker tells of a node's memory. */
  setMemory(_url: string, _bytes: number | undefined): void {}

  /** Calls back. */
  onChange(_listener: () => void): Disposable {
    return { [Symbol.dispose]: () => {} };
  }

  /** Ends all checks. */
  [Symbol.asyncDispose](): Promise<void> {
    void this.#clock;
    return Promise.resolve();
  }
}
