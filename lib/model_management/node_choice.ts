import { GatewayError } from "../errors.ts";
import { listNames } from "../name_list.ts";
import { findNode } from "../nodes/find_node.ts";
import type { KnownNode } from "../nodes/node.ts";

/** Which nodes a client wants: these, by name or URL; all that are up; `undefined`: whichever suits. */
export type NodeWish = readonly string[] | "all" | undefined;

/** What is to be done, for sentences. */
export interface ManagedAction {
  /** Such as `pull`. */
  readonly verb: string;
  /** How it goes on before a node: `to`. */
  readonly preposition: string;
}

/** Nodes that a sentence tells. */
const TOLD_NODES = 5;

/**
 * Those that are up.
 *
 * @throws {GatewayError} `not_implemented` if there is no node at all; `backend_unreachable` if none is up.
 */
export function upNodes(
  nodes: readonly KnownNode[],
  { verb, preposition }: ManagedAction,
): readonly [KnownNode, ...KnownNode[]] {
  const [first, ...others] = nodes.filter(({ health }) => health === "up");
  if (first) return [first, ...others];
  if (nodes.length === 0) {
    const message =
      `There is no Ollama node to ${verb} ${preposition}; add one with "sollol nodes --add URL", or nodes in the config`;
    throw new GatewayError("not_implemented", message);
  }
  const reasons = nodes.map(({ name, health, reason }) => `${name} is ${health}: ${reason}`);
  throw new GatewayError(
    "backend_unreachable",
    `Cannot ${verb}: no Ollama node is up; ${listNames(reasons, TOLD_NODES)}`,
  );
}

/**
 * Those with these names or URLs, each once.
 *
 * @throws {GatewayError} `not_found` if one is unknown, with what there is.
 */
export function namedNodes(nodes: readonly KnownNode[], names: readonly string[]): readonly KnownNode[] {
  const findable = nodes.map((node) => ({ name: node.name, url: node.url, aliases: [], node }));
  return [...new Set(names.map((name) => findNode(findable, name).node))];
}

/** Those with most room first: by the memory that no model takes, as far as it is known, then by how little they hold. */
export function byRoom(nodes: readonly KnownNode[]): KnownNode[] {
  return nodes.toSorted((one, other) =>
    freeBytes(other) - freeBytes(one) || heldBytes(one) - heldBytes(other) ||
    (one.name < other.name ? -1 : 1)
  );
}

/** Less than none where nobody knows. */
function freeBytes({ memoryBytes, residentBytes }: KnownNode): number {
  return memoryBytes === undefined ? -1 : Math.max(0, memoryBytes - residentBytes);
}

function heldBytes({ models }: KnownNode): number {
  return [...models.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
