import type { Config } from "../config/config.ts";
import { describeSlotWait } from "../nodes/describe_node_wait.ts";
import type { KnownNode, NodeLease, NodePool } from "../nodes/node.ts";
import type { NodeLine } from "../nodes/node_line.ts";
import type { Waker } from "../nodes/waker.ts";
import type { WaitDemand } from "../queue/waiter.ts";
import { ConversationAffinity } from "./affinity.ts";
import type { Decision } from "./decision.ts";
import { nodeRoute, type Route } from "./route.ts";

/** What {@linkcode NodeSlots} is made of. */
export interface NodeSlotsParts {
  /** The operator's word; read at each request. */
  readonly config: Pick<Config, "nodes">;
  /** The nodes. */
  readonly nodes: NodePool;
  /** Requests that wait for them. */
  readonly line: NodeLine;
  /** Wakes those that sleep. */
  readonly waker: Waker;
}

/** A request that is to go to a node. */
export interface SlotSearch {
  /** The model's name. */
  readonly model: string;
  /** Its canonical key. */
  readonly key: string;
  /** Upstreams that failed it. */
  readonly tried: ReadonlySet<string>;
  /** How it waits, and for whom. */
  readonly demand: WaitDemand & {
    readonly wish?: string | undefined;
    readonly turns?: readonly string[] | undefined;
    readonly onWait?: ((describe: () => string) => void) | undefined;
  };
}

/** A slot that was taken, and why that one; or the word that it is to be decided anew. */
type Taken = { readonly lease: NodeLease; readonly because: string } | "elsewhere";

/** Takes slots of Ollama nodes for requests: at once, or in their turn. */
export class NodeSlots {
  /** Who answered which conversation. */
  readonly affinity: ConversationAffinity = new ConversationAffinity();

  /** Its parts stay the caller's to dispose. */
  constructor(private readonly parts: NodeSlotsParts) {}

  /** How many nodes hold a model, up or down. */
  holderCount(key: string): number {
    return this.parts.nodes.holdersOf(key).length;
  }

  /**
   * Takes a slot of the node that was decided for; in its turn where others wait for the same.
   *
   * @param decide Decides anew, from what is known then.
   * @returns `undefined` if the request is to go elsewhere by now.
   * @throws As {@linkcode NodeLine.acquire} does.
   */
  async acquire(
    decision: Extract<Decision, { to: "node" | "line" }>,
    search: SlotSearch,
    decide: () => Decision,
  ): Promise<Route | undefined> {
    const lineKey = keyOf(search);
    const isFree = decision.to === "node" && this.parts.line.countOf(lineKey) === 0;
    const lease = isFree ? this.parts.nodes.lease(decision.node, search.key) : undefined;
    if (lease) return this.#route({ lease, because: decision.because }, search, 0);
    const { taken, queueMs } = await this.#wait(lineKey, search, decide);
    return taken === "elsewhere" ? undefined : this.#route(taken, search, queueMs);
  }

  /** Wakes a node, and waits until it is up. @returns For how long, ms. @throws As {@linkcode Waker.wake} does. */
  async wake(node: KnownNode, signal: AbortSignal): Promise<number> {
    const { waker, nodes, config } = this.parts;
    const { name } = node;
    const joinedMs = waker.wakingMs(name) ?? 0;
    let upMs = joinedMs;
    await waker.wake(node, {
      isUp: () => {
        upMs = waker.wakingMs(name) ?? joinedMs; // before the first question there is no call
        return node.health === "up";
      },
      onChange: (listener) => nodes.onChange(listener),
      signal,
      timeoutMs: config.nodes.wakeMs,
    });
    return Math.max(0, upMs - joinedMs);
  }

  #wait(
    lineKey: string,
    search: SlotSearch,
    decide: () => Decision,
  ): Promise<{ taken: Taken; queueMs: number }> {
    const { nodes, line } = this.parts;
    const { model, key, demand } = search;
    let waitsFor: readonly string[] = [];
    demand.onWait?.(() =>
      describeSlotWait({ model, nodes: waitsFor, waitingCount: Math.max(1, line.countOf(lineKey)) })
    );
    return line.acquire<Taken>({
      key: lineKey,
      model,
      demand,
      take: () => {
        const decision = decide();
        if (decision.to === "node") {
          const lease = nodes.lease(decision.node, key);
          return lease && { lease, because: decision.because };
        }
        if (decision.to !== "line") return "elsewhere";
        waitsFor = decision.nodes.map(({ name }) => name);
        return undefined;
      },
      because: () => `waits for a slot of ${waitsFor.join(", ") || "a node"}`,
    });
  }

  #route({ lease, because }: Exclude<Taken, "elsewhere">, search: SlotSearch, queueMs: number): Route {
    const { key, demand: { turns = [] } } = search;
    if (turns.length > 0) this.affinity.remember(key, turns, lease.node.name);
    return nodeRoute(lease, because, queueMs);
  }
}

/** Equal for those whom the same slots serve. */
function keyOf({ key, tried, demand: { wish } }: SlotSearch): string {
  return tried.size === 0 && wish === undefined ? key : JSON.stringify([key, wish, [...tried].sort()]);
}
