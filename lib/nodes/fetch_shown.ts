import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpError, type HttpErrorKind } from "../http/error.ts";
import { formatDuration } from "../units.ts";
import type { KnownNode } from "./node.ts";
import { readShowAnswer, type ShownModel } from "./show_answer.ts";

/** What came of asking a node for a model. */
export type ShowFinding =
  | { readonly shown: ShownModel }
  | {
    readonly shown: undefined;
    /** Whether it would answer the same again; if not, the node is to be asked later. */
    readonly isLasting: boolean;
    /** What is wrong, in a clause. */
    readonly reason: string;
  };

/** What {@linkcode fetchShown} works with. */
export interface FetchShownOptions {
  /** Stays the caller's to dispose. */
  readonly http: Pick<HttpClient, "send">;
  /** Time. */
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** For the whole answer: a node that is loading a model answers late, ms. */
const ANSWER_MS = 10_000;
/** The largest models list 100 kB of tensors, and as much of licences. */
const MAX_ANSWER_BYTES = 4 * 1024 ** 2;

/**
 * Asks a node once what it knows of a model; a redirect is not followed.
 *
 * @param name As the node spells it.
 * @throws The signal's reason, and nothing else that is foreseen.
 */
export async function fetchShown(
  { address, basePath, headers }: Pick<KnownNode, "address" | "basePath" | "headers">,
  name: string,
  { http, clock, signal }: FetchShownOptions,
): Promise<ShowFinding> {
  using deadline = new Deadline(clock, ANSWER_MS, { signal });
  try {
    const { status, body } = await http.send(address, {
      method: "POST",
      target: `${basePath}/api/show`,
      headers: [["content-type", "application/json"], ["accept-encoding", "identity"], ...headers],
      body: new TextEncoder().encode(JSON.stringify({ model: name })),
      signal: deadline.signal,
    });
    const text = await body.text(MAX_ANSWER_BYTES);
    if (status !== 200) return refused(isPassing(status), `it answered ${status}`);
    const shown = readShowAnswer(text);
    return shown ? { shown } : refused(false, "its answer does not tell the model's shape");
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.hasPassed) return refused(true, `no answer within ${formatDuration(ANSWER_MS)}`);
    if (error instanceof HttpError) return refused(!SENSELESS.has(error.kind), error.message);
    throw error;
  }
}

/** It did answer, and nothing that could be used. */
const SENSELESS: ReadonlySet<HttpErrorKind> = new Set(["malformed", "too_large"]);

function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function refused(isPassing: boolean, reason: string): ShowFinding {
  return { shown: undefined, isLasting: !isPassing, reason };
}
