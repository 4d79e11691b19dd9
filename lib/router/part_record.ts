import type { RequestRecord } from "./request_record.ts";
import type { Route } from "./route.ts";

/** What an inference tells of itself. */
export type InferenceRecord = Pick<
  RequestRecord,
  "attemptCount" | "elapsedMs" | "attempts" | "answers" | "ends"
>;

/** What becomes of one part of a request: its attempts count for the whole, which ends when its last part has. */
export class PartRecord implements InferenceRecord {
  #attemptCount = 0;

  /** Nobody was asked for it yet. */
  constructor(private readonly whole: InferenceRecord) {}

  /** How many upstreams were asked for this part so far. */
  get attemptCount(): number {
    return this.#attemptCount;
  }

  /** Time since the whole request arrived, ms. */
  get elapsedMs(): number {
    return this.whole.elapsedMs;
  }

  /** An upstream is about to be asked. */
  attempts(route: Route): void {
    this.#attemptCount++;
    this.whole.attempts(route);
  }

  /** The whole has no answer yet. */
  answers(): void {}

  /** The whole goes on. */
  ends(): void {}
}
