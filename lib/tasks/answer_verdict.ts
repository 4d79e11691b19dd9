import { backOffMs } from "../back_off.ts";
import type { TaskAnswer } from "./batch.ts";

/** Whoever says "in a day" may be wrong, and is asked again earlier, ms. */
const LONGEST_PAUSE_MS = 300_000;
/** Whoever says "at once" is not asked in a tight loop, ms. */
const SHORTEST_PAUSE_MS = 100;
/** Refusals of the gateway that say nothing of the request: it was not tried. Its queue may be full of others' requests. */
const NOT_TRIED: readonly unknown[] = ["no_capacity", "loading", "shutting_down", "rate_limited"];

/**
 * What an answer means for its task: it is the result; or it failed in a way that may pass; or nobody could take it yet,
 * which may pass too and is no failure.
 */
export type AnswerVerdict = "result" | "failure" | "not tried";

/** Judges an answer of whatever status. */
export function judgeAnswer({ status, body }: TaskAnswer): AnswerVerdict {
  if ((status === 503 || status === 429) && NOT_TRIED.includes(errorCode(body))) return "not tried";
  return status === 429 || status >= 500 ? "failure" : "result";
}

/** Whether an answer is what its sender hoped for. */
export function isSuccess({ status }: TaskAnswer): boolean {
  return status >= 200 && status < 300;
}

/**
 * How long to wait before a task is asked again, ms: as long as its answer says, else longer each time.
 *
 * @param retryAfterSeconds What the answer says; `undefined` if it says nothing.
 * @param count How often in a row it was answered like that, from 1.
 * @param random From 0 to 1.
 */
export function pauseMs(retryAfterSeconds: number | undefined, count: number, random: number): number {
  if (retryAfterSeconds === undefined || !(retryAfterSeconds >= 0)) return backOffMs(count, random);
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, retryAfterSeconds * 1_000));
}

function errorCode(body: unknown): unknown {
  return (body as { error?: { code?: unknown } | null } | null | undefined)?.error?.code;
}
