import type { Logger } from "../log.ts";
import type { BreakerState, NodeEvent, NodeHealth } from "./node.ts";
import type { NodeRecord } from "./node_record.ts";

/** Tells what happens to nodes: one line and one event for each change of health or breaker. */
export class NodeReporter {
  readonly #logger: Logger;
  readonly #onEvent: (event: NodeEvent) => void;

  /** Tells nothing by itself. */
  constructor(logger: Logger, onEvent: (event: NodeEvent) => void = () => {}) {
    this.#logger = logger;
    this.#onEvent = onEvent;
  }

  /** Tells how it is now, as far as that is another way than before. */
  tell(node: NodeRecord, before: { readonly health: NodeHealth; readonly breaker: BreakerState }): void {
    const { health, breaker } = node;
    if (health !== before.health) {
      this.#tell(node, "ollama node health", before.health, health, node.reason);
    }
    if (breaker !== before.breaker) {
      this.#tell(node, "ollama node breaker", before.breaker, breaker, REASONS[breaker](node.lastFailure));
    }
  }

  #tell(node: NodeRecord, message: string, from: string, to: string, reason: string): void {
    const { name, url, health, breaker } = node;
    const level = to === "down" || to === "open" ? "warn" : "info";
    this.#logger[level](message, { node: name, url, from, to, reason });
    this.#onEvent({ name, health, breaker, reason });
  }
}

const REASONS: Readonly<Record<BreakerState, (failure: string) => string>> = {
  closed: () => "its trial was served",
  "half-open": () => "one request may try it",
  open: (failure) => `too many of its requests failed, the last: ${failure}`,
};
