/**
 * How a fake node behaves. Those of the first list concern requests that make a model work, unless told otherwise; those
 * of the second every request.
 */
export type FakeOllamaMode =
  /** As Ollama does. */
  | "ok"
  /** Waits `delayMs` before the first token, beyond what is usual. */
  | "slow_first_token"
  /** 429, with `retryAfter` if there is one. */
  | "busy_429"
  /** 503 in Ollama's own words, as when its queue is full. */
  | "busy_503"
  /** 500, at once. */
  | "error_500"
  /** The head of a 200, then bytes that are no chunk, and a reset. */
  | "error_500_after_headers"
  /** Takes the request and resets the connection. */
  | "reset_before_answer"
  /** Resets the connection after `afterTokens` tokens; an answer that is no stream, in its middle. */
  | "reset_mid_stream"
  /** Freezes what needs a model, also streams under way; until another behaviour. Checks are answered. */
  | "hang_inference"
  /** An error as JSON, and 200. */
  | "error_in_200"
  /** 404, though the model is listed. */
  | "model_missing"
  /** 500: the model needs more memory than there is. */
  | "too_large"
  /** The runner dies after `afterTokens` tokens: an error line in Ollama's own API, lost in OpenAI's. */
  | "runner_crash"
  /** Freezes as a stopped process does: takes connections and requests, answers none, until another behaviour. */
  | "hang"
  /** The system takes connections, nobody reads them; until another behaviour. */
  | "half_open"
  /** A page for people, and 200. */
  | "html"
  /** The first half of the answer in a well-formed response. */
  | "truncated_json"
  /** An answer without an end, as fast as it is read. */
  | "endless_body"
  /** 302 to `location`. */
  | "redirect"
  /** Announces more bytes than come, and closes. */
  | "wrong_content_length"
  /** Chunks without the last one, and closes. */
  | "chunks_without_end"
  /** 1 MB of headers. */
  | "huge_headers"
  /** Is an Ollama of 2024: some endpoints are missing, others lack fields. */
  | "version_skew"
  /** `/api/ps` tells what cannot be. */
  | "absurd_ps"
  /** Lists its models' names in other case. */
  | "case_names";

/** Which requests a behaviour concerns: those that make a model work, all others, or both. */
export type FakeOllamaScope = "inference" | "checks" | "all";

/** What a behaviour may be told beside its name. */
export interface FakeOllamaBehaviour {
  /** Which requests it concerns. */
  readonly on: FakeOllamaScope;
  /** Of `slow_first_token`, ms. Default 1,000. */
  readonly delayMs: number;
  /** Of `busy_429` and `busy_503`: the header's value. Default none. */
  readonly retryAfter: string | undefined;
  /** Of `reset_mid_stream` and `runner_crash`. Default 3. */
  readonly afterTokens: number;
  /** Of `redirect`. Default a place where nobody listens. */
  readonly location: string;
  /** For so many requests; then it is `ok` again. Default for ever. */
  readonly times: number;
}

const EVERY_REQUEST: ReadonlySet<FakeOllamaMode> = new Set(
  [
    "hang",
    "half_open",
    "html",
    "truncated_json",
    "endless_body",
    "redirect",
    "wrong_content_length",
    "chunks_without_end",
    "huge_headers",
    "version_skew",
    "absurd_ps",
    "case_names",
  ] as const,
);

/** A mode with all that it was not told. */
export function completeBehaviour(
  mode: FakeOllamaMode,
  options: Partial<FakeOllamaBehaviour>,
): FakeOllamaBehaviour {
  return {
    on: EVERY_REQUEST.has(mode) ? "all" : "inference",
    delayMs: 1_000,
    retryAfter: undefined,
    afterTokens: 3,
    location: "http://127.0.0.1:9/",
    times: Infinity,
    ...options,
  };
}
