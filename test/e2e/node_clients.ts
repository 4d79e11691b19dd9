import { setTimeout as delay } from "node:timers/promises";
import { ChatStream, postChat } from "./chat.ts";

/** What every fake node of these beds holds. */
export const NODE_MODEL = "llama3:8b";

/** What a client asks for in its turn. */
export type Turn = "stream" | "whole" | "embedding";

/**
 * How a request ended. `whole`: with all that was asked for. `cut`: a stream, after its first byte, by an error event and
 * without `[DONE]`. All else is `failed`.
 */
export interface Outcome {
  readonly turn: Turn;
  readonly end: "whole" | "cut" | "failed";
  /** Who answered, as the header told. */
  readonly upstream: string;
  readonly attemptCount: number;
  readonly tookMs: number;
  /** What was wrong, unless all was right. */
  readonly trouble: string | undefined;
}

/** Asks once; whatever happens is part of the outcome. */
export async function takeTurn(url: string, turn: Turn, maxTokens: number): Promise<Outcome> {
  const startMs = performance.now();
  const chat = { model: NODE_MODEL, maxTokens, fields: { messages: newConversation() } };
  let response: Response | undefined;
  const outcome = (end: Outcome["end"], trouble?: string): Outcome => ({
    turn,
    end,
    upstream: response?.headers.get("x-sollol-upstream") ?? "",
    attemptCount: Number(response?.headers.get("x-sollol-attempts") ?? 0),
    tookMs: performance.now() - startMs,
    trouble,
  });
  try {
    if (turn === "stream") {
      const stream = await ChatStream.open(url, chat);
      response = stream.response;
      const { isDone, error } = await stream.rest();
      if (isDone && error === undefined) return outcome("whole");
      return error && !isDone ? outcome("cut", error.message) : outcome("failed", "an end without a word");
    }
    response = turn === "whole"
      ? await postChat(url, chat, false)
      : await postEmbeddings(url, ["one text", "another"]);
    const text = await response.text();
    return response.status === 200 ? outcome("whole") : outcome("failed", `${response.status}: ${text}`);
  } catch (error) {
    return outcome("failed", String(error));
  }
}

/** Lets clients ask, each again as soon as it has its answer, until the time is over. */
export async function keepAsking(
  url: string,
  { clientCount, durationMs, maxTokens }: { clientCount: number; durationMs: number; maxTokens: number },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const endMs = performance.now() + durationMs;
  const client = async (turns: readonly Turn[]) => {
    for (let at = 0; performance.now() < endMs; at++) {
      const outcome = await takeTurn(url, turns[at % turns.length]!, maxTokens);
      outcomes.push(outcome);
      if (outcome.end === "failed") await delay(100); // a refusal is no reason to hurry
    }
  };
  await Promise.all(
    Array.from({ length: clientCount }, (_, at) => client(at % 2 === 0 ? ["stream"] : UNSTREAMED)),
  );
  return outcomes;
}

/** Messages that nobody sent before: no node has their beginning in its cache. */
export function newConversation(): { readonly role: string; readonly content: string }[] {
  return [{ role: "user", content: `Tell me about ${crypto.randomUUID()}` }];
}

const UNSTREAMED: readonly Turn[] = ["whole", "whole", "embedding"];

/** How many outcomes there are of each kind. */
export function countBy<Key extends string>(
  outcomes: readonly Outcome[],
  keyOf: (outcome: Outcome) => Key,
): Partial<Record<Key, number>> {
  const counts: Partial<Record<Key, number>> = {};
  for (const outcome of outcomes) counts[keyOf(outcome)] = (counts[keyOf(outcome)] ?? 0) + 1;
  return counts;
}

/** Asks for the embeddings of some texts; what comes back is the caller's to read. */
export function postEmbeddings(
  url: string,
  input: readonly string[] | string,
  { model = NODE_MODEL, headers }: { model?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  return fetch(`${url}/v1/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, input }),
  });
}
