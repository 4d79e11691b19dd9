import type { Clock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { SlicedWait } from "../sliced_wait.ts";
import type { Answer } from "./answer.ts";
import type { InferenceRequest } from "./inference.ts";

/** How a request is asked a second time. */
export interface Hedge {
  /** After so long without an answer, ms; what it waits before it is sent does not count. */
  readonly afterMs: number;
  /** Measures it. */
  readonly clock: Clock;
  /** Asks. */
  readonly ask: (request: InferenceRequest) => Promise<Answer>;
}

/**
 * Asks, and asks somebody else as well if no answer comes soon; whoever answers first wins, the other is given up. For
 * requests that cost little and change nothing, such as embeddings.
 *
 * @throws What the first one failed with, if the second one fails as well.
 */
export async function hedged(request: InferenceRequest, { afterMs, clock, ask }: Hedge): Promise<Answer> {
  const giveUp = new AbortController();
  const signal = AbortSignal.any([request.signal, giveUp.signal]);
  const [askedFirst, askedSecond] = [new Set<string>(), new Set<string>()];
  const { promise: sent, resolve: isSent } = Promise.withResolvers<void>();
  const first = ask({
    ...request,
    signal,
    avoid: () => askedSecond,
    onAttempt: (name) => {
      askedFirst.add(name);
      isSent();
    },
  });
  const wait = new SlicedWait(first, clock);
  await Promise.race([sent, first.catch(() => {})]); // while it waits for its turn, a second one would only wait, too
  if (await wait.isOverWithin(afterMs)) return await first;
  const second = ask({
    ...request,
    wish: request.wish ?? "node", // no model is to be loaded for it
    signal,
    avoid: () => askedFirst,
    onAttempt: (name) => void askedSecond.add(name),
  });
  try {
    return await firstAnswer(first, second);
  } finally {
    giveUp.abort(new GatewayError("client_closed", "Another upstream has answered already"));
  }
}

async function firstAnswer(first: Promise<Answer>, second: Promise<Answer>): Promise<Answer> {
  try {
    return await Promise.any([first, second].map(sound));
  } catch {
    return await first; // nobody did better
  }
}

/** A refusal is no answer while the other one may give a better one. */
async function sound(asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked;
  if (answer.status < 500 && answer.status !== 429) return answer;
  throw new GatewayError("upstream_failed", `${answer.report.upstream} answered ${answer.status}`);
}
