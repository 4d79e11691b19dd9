import { tokensOf } from "./fake_ollama_answer.ts";
import type { FakePiece, FakeWish } from "./fake_ollama_dialect.ts";
import { sampleOf } from "./sample_of_schema.ts";

/** What the fake thinks before it speaks, of models that think. */
export const FAKE_THOUGHTS = "hmm";

/**
 * What a model says to a request: where tools are given, and no result of one has come yet, it calls the first; asked for
 * a form, it says the simplest value of it; told a result, it repeats it; shown images, it tells how many bytes they have;
 * else it says its usual words. One that thinks thinks before.
 */
export function scriptOf(wish: FakeWish, usual: readonly string[], isThinking: boolean): FakePiece[] {
  const thoughts = isThinking ? tokensOf(FAKE_THOUGHTS) : [];
  return [...thoughts.map((text): FakePiece => ({ kind: "thinking", text })), ...said(wish, usual)];
}

function said(wish: FakeWish, usual: readonly string[]): FakePiece[] {
  const [tool] = wish.tools;
  if (tool === undefined || wish.toolResult !== undefined) {
    return wordsOf(wish, usual).map((text) => ({ kind: "text", text }));
  }
  const argumentsJson = JSON.stringify(sampleOf(tool.parameters) ?? {});
  return [{ kind: "call", call: { id: callId(), name: tool.name, argumentsJson } }];
}

function wordsOf({ toolResult, format, imageBytes }: FakeWish, usual: readonly string[]): readonly string[] {
  if (format !== undefined) return piecesOf(JSON.stringify(format === "json" ? {} : sampleOf(format)));
  if (toolResult !== undefined) return tokensOf(`The tool says: ${toolResult}`);
  if (imageBytes.length === 0) return usual;
  return tokensOf(`I see ${imageBytes.length} image of ${imageBytes.join(" and ")} bytes`);
}

/** Of four characters: a token as it may be in JSON. */
function piecesOf(json: string): string[] {
  return json.match(/.{1,4}/gs) ?? [];
}

function callId(): string {
  return `call_${Math.random().toString(36).slice(2, 10).padEnd(8, "0")}`;
}
