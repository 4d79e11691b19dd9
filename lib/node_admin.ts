import type { NodeView } from "./nodes/node.ts";
import type { NodeRegistration } from "./nodes/node_registration.ts";

/** How a request to forget an Ollama node ended. */
export interface NodeRemoval {
  /** Its name. */
  readonly name: string;
  /** What operators said of it; requests that it has end as if nothing had happened. */
  readonly outcome: "removed";
  /** One sentence for a person. */
  readonly reason: string;
}

/** What operators may do to the Ollama nodes that the gateway knows. */
export interface NodeAdmin {
  /** All of them, also those that are refused, from memory: nobody is asked. */
  listNodes(): readonly NodeView[];
  /**
   * Remembers a node, also over a restart, and waits for its first verdict, 2 s at most. One that is known already gets
   * what is said here; what is not said stays as it is.
   *
   * @throws {GatewayError} `invalid_request` if its name leads where no node may be; `conflict` if the name is taken, or
   *   the configuration forbids it, or there are too many.
   */
  addNode(node: NodeRegistration): Promise<NodeView>;
  /**
   * Forgets what operators said of a node. One of which somebody else told too, such as the config file, stays as that
   * says; the reason tells it.
   *
   * @param nameOrUrl Its name, its URL, or another URL that leads to it.
   * @throws {GatewayError} `not_found`; `conflict` if only others told of it: the message says where to take it back, and
   *   nothing was changed.
   */
  removeNode(nameOrUrl: string): NodeRemoval;
}
