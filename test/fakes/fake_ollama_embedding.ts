import { createHash } from "node:crypto";
import { numberOf, type OllamaBody } from "./fake_ollama_dialect.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";

/** How many numbers a vector of the fake has, where the request does not say. */
export const FAKE_DIMENSIONS = 8;

/** The unit vector that the fake gives for a text: the same for the same text everywhere, another for another. */
export function fakeEmbedding(text: string, dimensions = FAKE_DIMENSIONS): number[] {
  const bytes = createHash("sha256").update(text).digest();
  const numbers = Array.from({ length: Math.min(dimensions, FAKE_DIMENSIONS) }, (_, index) => {
    return bytes.readInt16LE(index * 2) + 0.5;
  });
  const length = Math.hypot(...numbers);
  return [...Float32Array.from(numbers, (number) => number / length)];
}

/**
 * The texts of a request for embeddings.
 *
 * @throws {FakeRefusal} If they are no texts.
 */
export function readEmbedTexts(path: string, body: OllamaBody): string[] {
  if (path === "/api/embeddings") return typeof body["prompt"] === "string" ? [body["prompt"]] : [];
  const input = body["input"];
  const isOpenAi = path === "/v1/embeddings";
  if (isOpenAi && (input === undefined || input === null || Array.isArray(input) && input.length === 0)) {
    throw new FakeRefusal(400, "invalid input", true);
  }
  if (typeof input === "string") return input === "" && !isOpenAi ? [] : [input];
  if (input === undefined || input === null) return [];
  if (Array.isArray(input) && input.every((text) => typeof text === "string")) return input;
  throw new FakeRefusal(400, "invalid input type");
}

/** Answers a request for embeddings. */
export function sendEmbeddings(
  exchange: FakeOllamaExchange,
  body: OllamaBody,
  texts: readonly string[],
  totalMs: number,
): void {
  const vectors = texts.map((text) => fakeEmbedding(text, numberOf(body, "dimensions")));
  const { path } = exchange.request;
  if (path === "/api/embeddings") return exchange.sendJson(200, { embedding: vectors[0] ?? [] });
  if (path === "/api/embed") return exchange.sendJson(200, native(body, texts, vectors, totalMs));
  exchange.sendJson(200, openAi(body, texts, vectors), { "Content-Type": "application/json" });
}

function native(body: OllamaBody, texts: readonly string[], vectors: number[][], totalMs: number): unknown {
  if (vectors.length === 0) return { model: body["model"], embeddings: [] };
  const total_duration = Math.max(1_000, Math.round(totalMs * 1e6));
  const prompt_eval_count = countTokens(texts);
  return { model: body["model"], embeddings: vectors, total_duration, load_duration: 100, prompt_eval_count };
}

function openAi(body: OllamaBody, texts: readonly string[], vectors: number[][]): unknown {
  const isBase64 = `${body["encoding_format"]}`.toLowerCase() === "base64";
  const data = vectors.map((vector, index) => {
    return { object: "embedding", embedding: isBase64 ? toBase64(vector) : vector, index };
  });
  const count = countTokens(texts);
  return { object: "list", data, model: body["model"], usage: { prompt_tokens: count, total_tokens: count } };
}

function countTokens(texts: readonly string[]): number {
  return texts.reduce((count, text) => count + text.split(/\s+/).length, 0);
}

/** Little-endian f32. */
function toBase64(vector: readonly number[]): string {
  return new Uint8Array(Float32Array.from(vector).buffer).toBase64();
}
