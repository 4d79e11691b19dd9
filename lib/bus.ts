/** How many events a subscriber may be behind before it is told that it missed some. */
const CAPACITY = 1_000;

/** What a subscriber gets: an event, or the number of those that it was too slow for. */
export type Delivery<E> =
  | { readonly kind: "event"; readonly event: E }
  | { readonly kind: "missed"; readonly count: number };

/** Tells everybody who listens what happens. Whoever publishes never waits for a subscriber, and never hears of its faults. */
export class EventBus<E> {
  readonly #subscribers = new Set<Subscriber<E>>();

  /** How many listen now. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Tells all subscribers. Costs nothing where nobody listens. */
  publish(event: E): void {
    for (const subscriber of this.#subscribers) subscriber.push(event);
  }

  /** All events from now on, until the signal aborts or the loop over them ends. */
  async *subscribe(
    { signal, capacity = CAPACITY }: { signal: AbortSignal; capacity?: number },
  ): AsyncGenerator<Delivery<E>, void> {
    const subscriber = new Subscriber<E>(capacity);
    const end = () => subscriber.wake();
    this.#subscribers.add(subscriber);
    signal.addEventListener("abort", end, { once: true });
    try {
      while (!signal.aborted) {
        const delivery = subscriber.take();
        if (delivery) yield delivery;
        else await subscriber.untilAwake();
      }
    } finally {
      signal.removeEventListener("abort", end);
      this.#subscribers.delete(subscriber);
    }
  }
}

/** What one subscriber has not read yet. */
class Subscriber<E> {
  #events: E[] = [];
  #missedCount = 0;
  #awake = Promise.withResolvers<void>();

  constructor(private readonly capacity: number) {}

  push(event: E): void {
    if (this.#events.length < this.capacity) this.#events.push(event);
    else this.#missedCount++;
    this.wake();
  }

  wake(): void {
    this.#awake.resolve();
  }

  take(): Delivery<E> | undefined {
    const event = this.#events.shift();
    if (event !== undefined) return { kind: "event", event };
    if (this.#missedCount === 0) return undefined;
    const count = this.#missedCount;
    this.#missedCount = 0;
    return { kind: "missed", count };
  }

  async untilAwake(): Promise<void> {
    await this.#awake.promise;
    this.#awake = Promise.withResolvers();
  }
}
