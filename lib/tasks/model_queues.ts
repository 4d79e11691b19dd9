/** Models beyond that many share a queue: each task that ends asks all queues for the next one. */
const MAX_MODEL_COUNT = 64;

/** Gives each model a queue of its own, so that one that nobody can take holds up no other. */
export class ModelQueues {
  readonly #queues = new Map<string, number>();

  /** The queue of a model, from 0; those that name none share one. */
  queueOf(model = ""): number {
    const known = this.#queues.get(model);
    if (known !== undefined) return known;
    const queue = Math.min(this.#queues.size, MAX_MODEL_COUNT);
    if (queue < MAX_MODEL_COUNT) this.#queues.set(model, queue);
    return queue;
  }
}
