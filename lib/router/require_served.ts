import type { ServingCoordinator } from "../coordinator/serving.ts";
import { GatewayError } from "../errors.ts";
import type { CoordinatorLease } from "../pool/pooled.ts";
import type { Task } from "./decision.ts";

/**
 * Gives the lease of a coordinator back whose model cannot do such work: a node may do it, where one holds the model.
 *
 * @throws {GatewayError} `model_unusable` that says why.
 */
export function requireServed(lease: CoordinatorLease<ServingCoordinator>, task: Task): void {
  const obstacle = OBSTACLES[task]?.(lease.coordinator.served);
  if (obstacle === undefined) return;
  lease[Symbol.dispose]();
  throw new GatewayError("model_unusable", obstacle);
}

type Obstacle = (served: ServingCoordinator["served"]) => string | undefined;

/** Where Ollama has words for it, they are Ollama's: its clients know them. */
const OBSTACLES: Readonly<Partial<Record<Task, Obstacle>>> = {
  chat: ({ name, capabilities, chatObstacle }) =>
    capabilities.has("completion") ? chatObstacle : `"${name}" does not support chat`,
  completion: ({ name, capabilities }) =>
    capabilities.has("completion") ? undefined : `"${name}" does not support generate`,
  embedding: ({ name, capabilities }) =>
    capabilities.has("embedding")
      ? undefined
      : `Cannot embed with "${name}": it is no embedding model, and a llama-server embeds with no other; ` +
        "ask for an embedding model, such as nomic-embed-text",
};
