import type { GatewayError } from "../errors.ts";
import type { ClientDialect, UpstreamRefusal, WaitingWord } from "./client_dialect.ts";
import { sentenceForClient, statusForClient } from "./refusal_status.ts";
import { readUpstreamError } from "./upstream_error.ts";

const encoder = new TextEncoder();

/** How Ollama's clients are spoken to in chats, and wherever no text is generated. */
export const ollamaDialect: ClientDialect = dialect(({ text, isNote }) => ({
  message: { role: "assistant", content: "", ...(isNote && { thinking: `${text}\n` }) },
}));

/** How Ollama's clients are spoken to that let text be generated without a chat. */
export const ollamaGenerateDialect: ClientDialect = dialect(({ text, isNote }) => ({
  response: "",
  ...(isNote && { thinking: `${text}\n` }),
}));

/** @param said What a waiting word is in the place of an answer's text. */
function dialect(said: (word: WaitingWord) => Record<string, unknown>): ClientDialect {
  return {
    name: "ollama",
    streamType: "application/x-ndjson",
    errorBody: (error, requestId) => ({
      error: error ? messageOf(error) : unexpected(requestId),
      ...(error?.code === "unauthorized" && { status: error.message }), // of a 401 its CLI reads nothing else
    }),
    errorEvent: (error, requestId) => line({ error: error ? messageOf(error) : unexpected(requestId) }),
    refusal: (refusal) => ({
      status: statusForClient(refusal),
      body: encoder.encode(JSON.stringify({ error: sentenceOf(refusal) })),
    }),
    refusalEvent: (refusal) => line({ error: sentenceOf(refusal) }),
    waitingWord: (word) =>
      line({
        model: word.model,
        created_at: new Date(word.atMs).toISOString(),
        ...said(word),
        done: false,
      }),
    comment: () => new Uint8Array(0), // a line is an answer's part
  };
}

function line(value: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${JSON.stringify(value)}\n`);
}

/** Clients know an absent model by Ollama's sentence; what else we know of it goes behind. */
function messageOf({ code, message }: GatewayError): string {
  if (code !== "model_not_found" || message.includes("not found")) return message;
  const said = message.replace(/^Cannot find model "(.*?)"/, "model '$1' not found");
  return said === message ? `model not found: ${message}` : said;
}

function unexpected(requestId: string): string {
  return `Something went wrong inside sollol; its log has the details under request ${requestId}`;
}

/** What llama-server says stands in Ollama's own refusals as JSON inside of text; nobody wants to read that. */
function sentenceOf(refusal: UpstreamRefusal): string {
  const { promptTokens, contextSize } = readUpstreamError(refusal.body);
  const said = sentenceForClient(refusal);
  if (promptTokens === undefined || contextSize === undefined) return said;
  const areTold = [promptTokens, contextSize].every((tokens) => said.includes(String(tokens)));
  return areTold ? said : `${said} (${promptTokens} tokens, with room for ${contextSize})`;
}
