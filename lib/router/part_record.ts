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

  /** The whole goes on. */
  constructor(private readonly whole: InferenceRecord) {}

  get attemptCount(): number {
    return this.#attemptCount;
  }

  get elapsedMs(): number {
    return this.whole.elapsedMs;
  }

  attempts(route: Route): void {
    this.#attemptCount++;
    this.whole.attempts(route);
  }

  answers(): void {}

  ends(): void {}
}
