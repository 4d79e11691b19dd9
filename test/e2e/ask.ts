import { type ChatOptions, dataOf, type ErrorBody, postChat } from "./chat.ts";

/** What one client asks. */
export interface AskOptions extends ChatOptions {
  readonly maxTokens: number;
  readonly stream: boolean;
  /** Hears of each token of a stream. */
  readonly onToken?: (tokenCount: number) => unknown;
}

/**
 * How a request ended for its client. `whole`: with all that was asked for. `told`: a stream by an event that says why.
 * `refused`: by a status that is no success. `left`: by the client itself. `broken`: the connection was cut, or the
 * answer ended early without a word.
 */
export type ReplyEnd = "whole" | "told" | "refused" | "left" | "broken";

/** What one client got. */
export interface Reply {
  readonly end: ReplyEnd;
  readonly stream: boolean;
  readonly model: string;
  /** 0 if there was no answer. */
  readonly status: number;
  /** Tokens that the client has. */
  readonly tokenCount: number;
  /** How many upstreams were asked; 0 if nobody said. */
  readonly attemptCount: number;
  /** As its headers said. */
  readonly loadMs: number;
  /** From the request to its end. */
  readonly tookMs: number;
  readonly error: ErrorBody | undefined;
}

/** Asks as one of many clients: whatever happens is part of the reply, never thrown. */
export async function ask(url: string, options: AskOptions): Promise<Reply> {
  const startMs = performance.now();
  const heard = { status: 0, tokenCount: 0, attemptCount: 0, loadMs: 0 };
  const reply = (end: ReplyEnd, error?: ErrorBody): Reply => {
    const { stream, model = "tiny" } = options;
    return { ...heard, end, stream, model, error, tookMs: performance.now() - startMs };
  };
  try {
    const response = await postChat(url, options, options.stream);
    heard.status = response.status;
    heard.attemptCount = Number(response.headers.get("x-sollol-attempts") ?? 0);
    heard.loadMs = Number(response.headers.get("x-sollol-load-ms") ?? 0);
    if (response.status !== 200) return reply("refused", (await response.json()).error);
    if (options.stream) {
      const { isDone, error } = await readStream(response.body!, heard, options);
      if (error) return reply("told", error);
      return reply(isDone && heard.tokenCount === options.maxTokens ? "whole" : "broken");
    }
    const { choices, usage } = await response.json();
    const isWhole = usage.completion_tokens === options.maxTokens && choices[0].message.content !== "";
    if (isWhole) heard.tokenCount = usage.completion_tokens;
    return reply(isWhole ? "whole" : "broken");
  } catch {
    return reply(options.signal?.aborted ? "left" : "broken");
  }
}

async function readStream(
  body: ReadableStream<Uint8Array>,
  heard: { tokenCount: number },
  { onToken }: AskOptions,
): Promise<{ isDone: boolean; error: ErrorBody | undefined }> {
  let isDone = false;
  let error: ErrorBody | undefined;
  for await (const data of dataOf(body)) {
    if (data === "[DONE]") isDone = true;
    else {
      const event = JSON.parse(data);
      error ??= event.error;
      if (!event.choices?.[0]?.delta?.content) continue;
      heard.tokenCount++;
      onToken?.(heard.tokenCount);
    }
  }
  return { isDone, error };
}

/** How many replies ended in which way: `{"whole": 98, "left": 2}`. */
export function countEnds(replies: readonly Reply[]): Partial<Record<ReplyEnd, number>> {
  const counts: Partial<Record<ReplyEnd, number>> = {};
  for (const { end } of replies) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}
