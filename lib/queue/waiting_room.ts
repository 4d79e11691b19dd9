import type { GatewayError } from "../errors.ts";
import { queueIsFull } from "./refusals.ts";
import { isBackground } from "./waiting_line.ts";

/** How urgently somebody waits or wants to. */
export interface Urgency {
  /** Below 0 is work in the background; default: the usual one, which is not. */
  readonly priority?: number | undefined;
}

/**
 * How many requests may wait in all, whichever lines they stand in. Work in the background is counted by itself: however
 * much of it waits, it keeps nobody else out.
 */
export class WaitingRoom {
  #count = 0;
  #backgroundCount = 0;

  /** Empty. @param maxCount How many of each kind may wait, asked each time: it may change. */
  constructor(private readonly maxCount: () => number) {}

  /** How many wait now, work in the background among them. */
  get count(): number {
    return this.#count + this.#backgroundCount;
  }

  /** Why no further request for this model may wait now, if so. */
  refusal(model: string, urgency: Urgency = {}): GatewayError | undefined {
    const maxCount = this.maxCount();
    const isInBackground = isBackground(urgency);
    const count = isInBackground ? this.#backgroundCount : this.#count;
    return count >= maxCount ? queueIsFull(model, { maxCount, isInBackground }) : undefined;
  }

  /** One more waits, also if it is full: whether it may is the caller's to ask. Only lines call it. */
  enter(urgency: Urgency = {}): void {
    this.#add(urgency, 1);
  }

  /** One fewer waits. Only lines call it, once for each that has entered, with what it entered with. */
  leave(urgency: Urgency = {}): void {
    this.#add(urgency, -1);
  }

  #add(urgency: Urgency, more: number): void {
    if (isBackground(urgency)) this.#backgroundCount += more;
    else this.#count += more;
  }
}
