/** How many events a subscriber may be behind before it is told that it missed some. */
const CAPACITY = 1_000;

/** What a subscriber gets: an event, or, where some are lacking, the number of those that it was too slow for. */
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

  /**
   * All events from this call on, until the signal aborts or the loop over them ends. One that is never looped over
   * holds `capacity` events until the signal aborts.
   *
   * @param options With `capacity`, the most events that are kept for it. Default 1000.
   */
  subscribe(
    { signal, capacity = CAPACITY }: { signal: AbortSignal; capacity?: number },
  ): AsyncGenerator<Delivery<E>, void> {
    const subscriber = new Subscriber<E>(capacity);
    const end = () => {
      this.#subscribers.delete(subscriber);
      subscriber.end();
    };
    if (signal.aborted) end();
    else this.#subscribers.add(subscriber);
    signal.addEventListener("abort", end, { once: true });
    return subscriber.read(() => {
      signal.removeEventListener("abort", end);
      end();
    });
  }
}

/** What one subscriber has not read yet. */
class Subscriber<E> {
  /** In order; a gap is told where it is. */
  readonly #unread: Delivery<E>[] = [];
  #hasEnded = false;
  #awake = Promise.withResolvers<void>();

  constructor(private readonly capacity: number) {}

  push(event: E): void {
    if (this.#unread.length < this.capacity) this.#unread.push({ kind: "event", event });
    else this.#miss();
    this.#awake.resolve();
  }

  end(): void {
    this.#hasEnded = true;
    this.#awake.resolve();
  }

  async *read(onEnd: () => void): AsyncGenerator<Delivery<E>, void> {
    try {
      while (!this.#hasEnded) {
        const delivery = this.#unread.shift();
        if (delivery) yield delivery;
        else await this.#untilAwake();
      }
    } finally {
      onEnd();
    }
  }

  #miss(): void {
    const last = this.#unread.at(-1);
    if (last?.kind === "missed") {
      this.#unread[this.#unread.length - 1] = { kind: "missed", count: last.count + 1 };
    } else this.#unread.push({ kind: "missed", count: 1 });
  }

  async #untilAwake(): Promise<void> {
    await this.#awake.promise;
    this.#awake = Promise.withResolvers();
  }
}
