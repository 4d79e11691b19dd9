import type { Damage } from "./faults.ts";
import type { Reply } from "./ask.ts";

/** What became of the clients of some faults. */
export interface FaultToll {
  /** Answered with all that was asked for. */
  readonly wholeCount: number;
  /** Of these, those whose request was sent to a second coordinator. */
  readonly retriedCount: number;
  /** Streams that had begun, ended by an event that says why and how many tokens the client has. */
  readonly cutCount: number;
  /** Requests of which no byte had been delivered, and that got no answer. */
  readonly lostCount: number;
  /** Whatever must never be, each with what happened. */
  readonly faults: readonly string[];
}

/** Sorts out what clients got. */
export function countToll(damages: readonly Damage[]): FaultToll {
  const replies = damages.flatMap((damage) => damage.replies);
  const whole = replies.filter(({ end }) => end === "whole");
  const others = replies.filter(({ end }) => end !== "whole");
  return {
    wholeCount: whole.length,
    retriedCount: whole.filter(({ attemptCount }) => attemptCount > 1).length,
    cutCount: others.filter(isToldAmid).length,
    lostCount: others.filter(({ tokenCount }) => tokenCount === 0).length,
    faults: others.filter((reply) => !isToldAmid(reply)).map(describe),
  };
}

function isToldAmid({ end, tokenCount, error }: Reply): boolean {
  return end === "told" && tokenCount > 0 && error?.tokens_delivered === tokenCount;
}

function describe({ end, status, stream, tokenCount, tookMs, error }: Reply): string {
  const what = stream ? "stream" : "answer";
  const said = error ? `${error.code} (${error.tokens_delivered} tokens): ${error.message}` : "nothing said";
  return `${what} ${end} with ${status} after ${Math.round(tookMs)} ms and ${tokenCount} tokens: ${said}`;
}
