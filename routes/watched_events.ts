import type { WatchedClient } from "../lib/client_watch.ts";
import type { AnswerEvents } from "../lib/router/answer_stream.ts";

/**
 * A stream that is cancelled as soon as its client is seen to have left. The server notices by itself only where it writes,
 * and not always then: what is silent, or goes to a client that has closed its half, would go on.
 */
export class WatchedEvents implements AnswerEvents {
  readonly #leave = () => this.cancel();

  /** Owns both from here on. */
  constructor(private readonly events: AnswerEvents, private readonly client: WatchedClient) {
    client.signal.addEventListener("abort", this.#leave, { once: true });
    if (client.signal.aborted) this.cancel();
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const events = await this.events.read();
      if (events === null) this.#end();
      return events;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  cancel(): void {
    this.events.cancel();
    this.#end();
  }

  #end(): void {
    this.client.signal.removeEventListener("abort", this.#leave);
    this.client[Symbol.dispose]();
  }
}
