import type { OllamaBody } from "./fake_ollama_dialect.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";

/** What Go calls the bodies that say whether they want a stream. */
const STRUCTS: Readonly<Record<string, string>> = {
  "/api/chat": "ChatRequest",
  "/api/generate": "GenerateRequest",
  "/v1/chat/completions": "ChatCompletionRequest",
  "/v1/completions": "CompletionRequest",
};

/**
 * Reads a request's body.
 *
 * @throws {FakeRefusal} In about the words of Go's decoder, if it is none.
 */
export function readOllamaBody(text: string, path: string): OllamaBody {
  if (text === "") throw refuse(path.startsWith("/v1/") ? "EOF" : "missing request body");
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refuse("json: cannot unmarshal this into Go value of a struct type");
  }
  const body = value as OllamaBody;
  const stream = body["stream"] ?? false;
  if (typeof stream === "boolean" || STRUCTS[path] === undefined) return body;
  const field = `${STRUCTS[path]}.stream`;
  throw refuse(`json: cannot unmarshal ${typeof stream} into Go struct field ${field} of type bool`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    const character = position === undefined ? "" : text[Number(position)] ?? "";
    if (character === "") throw refuse("unexpected EOF");
    throw refuse(`invalid character '${character}' looking for beginning of object key string`);
  }
}

function refuse(message: string): FakeRefusal {
  return new FakeRefusal(400, message, true);
}
