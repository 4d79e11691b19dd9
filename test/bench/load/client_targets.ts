import { fileURLToPath } from "node:url";
import { deno, type Target, target, untilAnswers } from "./targets.ts";

/** How a played llama-server answers. */
export interface Pace {
  /** Pieces of an answer. */
  readonly pieceCount: number;
  /** Between two of them, ms. */
  readonly intervalMs: number;
  /** Before the head of the answer, ms. */
  readonly firstMs: number;
}

/** A llama-server that streams at a steady pace; see `llama_stub.ts`. */
export async function startLlamaStub(
  port: number,
  { pieceCount, intervalMs, firstMs }: Pace,
): Promise<Target> {
  const script = fileURLToPath(new URL("./llama_stub.ts", import.meta.url));
  const args = [port, pieceCount, intervalMs, firstMs].map(String);
  const child = deno(["run", "--allow-net", "--unstable-net", script, ...args]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/v1/models`);
  return target("stub", url, child);
}

/** A piece of an answer, in every dialect. */
const PIECE = '" word"';

/** Reads so many streams at once to their end. @returns How many pieces came in all. */
export async function readPieces(
  url: string,
  { streamCount, apiKey }: { streamCount: number; apiKey: string },
): Promise<number> {
  const counts = await Promise.all(Array.from({ length: streamCount }, () => readOne(url, apiKey)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readOne(url: string, apiKey: string): Promise<number> {
  const response = await fetch(url, askingFor(apiKey));
  let text = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text.split(PIECE).length - 1;
}

/** Opens so many streams, and waits until each has begun. */
export async function openStreams(
  url: string,
  { streamCount, apiKey, signal }: { streamCount: number; apiKey: string; signal: AbortSignal },
): Promise<void> {
  await Promise.all(Array.from({ length: streamCount }, async () => {
    const response = await fetch(url, { ...askingFor(apiKey), signal });
    const { done } = await response.body!.getReader().read();
    if (!response.ok || done) throw new Error(`${url} answered ${response.status}`);
  }));
}

function askingFor(apiKey: string): RequestInit {
  const messages = [{ role: "user", content: "Say a few words." }];
  const body = JSON.stringify({ model: "stub", max_tokens: 1_000, stream: true, messages });
  const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` };
  return { method: "POST", headers, body };
}
