import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { KnownNode } from "../nodes/node.ts";
import { byRoom, type ManagedAction, namedNodes, type NodeWish, upNodes } from "./node_choice.ts";

/** What {@linkcode ManagedNodes} chooses among. */
export interface ManagedNodesParts {
  /** The Ollama nodes, live. */
  readonly nodes: { readonly nodes: readonly KnownNode[]; holdersOf(key: string): readonly KnownNode[] };
  /** Equal for one model, whatever the spelling. */
  readonly keyOf: (model: string) => string;
  /** Time; only the monotonic one is looked at. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** For how long blobs go to the same node: so long after the last of them the model that needs them may be created, ms. */
const WORKBENCH_MS = 60 * 60_000;

/** Chooses the nodes of an order. The first of them is the best. */
export class ManagedNodes {
  readonly #parts: ManagedNodesParts;
  #workbench: { readonly url: string; readonly usedMs: number } | undefined;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: ManagedNodesParts) {
    this.#parts = parts;
  }

  /**
   * Those that are wished for, whether they are up or not; `undefined` where nothing is wished.
   *
   * @throws {GatewayError} As {@linkcode upNodes} and {@linkcode namedNodes} do.
   */
  wished(wish: NodeWish, action: ManagedAction): readonly KnownNode[] | undefined {
    const { nodes } = this.#parts.nodes;
    if (wish === undefined) return undefined;
    return wish === "all" || nodes.length === 0 ? upNodes(nodes, action) : namedNodes(nodes, wish);
  }

  /**
   * Those that are up, with most room first.
   *
   * @param model Who may not serve it comes last: it would lie there unused.
   * @throws {GatewayError} As {@linkcode upNodes} does.
   */
  roomiest(action: ManagedAction, model?: string): readonly [KnownNode, ...KnownNode[]] {
    const nodes = byRoom(upNodes(this.#parts.nodes.nodes, action)) as [KnownNode, ...KnownNode[]];
    if (model === undefined) return nodes;
    const key = this.#parts.keyOf(model);
    return nodes.sort((one, other) => Number(other.allows(key)) - Number(one.allows(key)));
  }

  /** Those that are up and hold a model, with most room first; often none. */
  holders(model: string): readonly KnownNode[] {
    return byRoom(this.#holdersOf(model).filter(({ health }) => health === "up"));
  }

  /** Those that are known to hold a model, and are not up. */
  missingHolders(model: string): readonly KnownNode[] {
    return this.#holdersOf(model).filter(({ health }) => health !== "up");
  }

  /**
   * Where something is to be done to a model that exists: at who holds it; if nobody does, at who has most room, for that
   * one's words on it.
   *
   * @throws {GatewayError} `backend_unreachable` if only nodes hold it that are not up; as {@linkcode upNodes} does.
   */
  holder(model: string, action: ManagedAction): KnownNode {
    const [first] = this.holders(model);
    if (first) return first;
    const [gone] = this.#holdersOf(model);
    if (!gone) return this.roomiest(action)[0];
    throw notUp(gone, `${action.verb} "${model}"`);
  }

  /**
   * Where blobs are put, and made into models: the same node for as long as it is used and up, or the parts of one model
   * would be strewn.
   *
   * @throws {GatewayError} As {@linkcode upNodes} does.
   */
  workbench(action: ManagedAction): KnownNode {
    const nowMs = this.#parts.clock.monotonic();
    const up = this.roomiest(action);
    const { url, usedMs = -Infinity } = this.#workbench ?? {};
    const known = nowMs - usedMs < WORKBENCH_MS ? up.find((node) => node.url === url) : undefined;
    const node = known ?? up[0];
    this.#workbench = { url: node.url, usedMs: nowMs };
    return node;
  }

  #holdersOf(model: string): readonly KnownNode[] {
    return this.#parts.nodes.holdersOf(this.#parts.keyOf(model));
  }
}

/** Refuses a node that is not up. @param what Is to be done there. @throws {GatewayError} `backend_unreachable`. */
export function requireUp(node: KnownNode, what: string): void {
  if (node.health !== "up") throw notUp(node, what);
}

function notUp({ name, health, reason }: KnownNode, what: string): GatewayError {
  return new GatewayError(
    "backend_unreachable",
    `Cannot ${what} on node ${name}: it is ${health}: ${reason}`,
  );
}
