import type { GatewayError } from "../errors.ts";
import { queueIsFull } from "./refusals.ts";

/** How many requests may wait in all, whichever lines they stand in. */
export class WaitingRoom {
  #count = 0;

  /** Empty. @param maxCount How many may wait, asked each time: it may change. */
  constructor(private readonly maxCount: () => number) {}

  /** How many wait now. */
  get count(): number {
    return this.#count;
  }

  /** Why no further request for this model may wait now, if so. */
  refusal(model: string): GatewayError | undefined {
    const maxCount = this.maxCount();
    return this.#count >= maxCount ? queueIsFull(model, maxCount) : undefined;
  }

  /** One more waits, also if it is full: whether it may is the caller's to ask. Only lines call it. */
  enter(): void {
    this.#count++;
  }

  /** One fewer waits. Only lines call it, once for each that has entered. */
  leave(): void {
    this.#count--;
  }
}
