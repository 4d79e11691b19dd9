import { llamaMessagesBody } from "./anthropic_llama_body.ts";
import type { DecodedMessages } from "./anthropic_request.ts";
import type { ChatMessage, ChatRequest } from "./chat.ts";
import type { ExchangeFor } from "./exchange.ts";
import { offeredTools } from "./ollama_chat_body.ts";

/** Of English text; others have fewer. */
const BYTES_PER_TOKEN = 4;
/** What a chat's template puts around a message. */
const TOKENS_PER_MESSAGE = 4;
/** As Ollama reckons. */
const TOKENS_PER_IMAGE = 768;

const encoder = new TextEncoder();

/**
 * How `POST /v1/messages/count_tokens` is put to an upstream. A llama-server counts, and the bytes pass; Ollama cannot, and so
 * it is estimated for a node, which the answer says in a field of ours.
 *
 * @param body What the client sent.
 * @param decoded What it says.
 */
export function countTokensExchange(body: Uint8Array<ArrayBuffer>, decoded: DecodedMessages): ExchangeFor {
  return (upstream) =>
    upstream.kind === "ollama" ? { given: () => estimate(decoded.request) } : {
      target: "/v1/messages/count_tokens",
      body: llamaMessagesBody(body, decoded, upstream),
      stream: false,
      format: "anthropic",
    };
}

function estimate(request: ChatRequest): Uint8Array<ArrayBuffer> {
  const because = "An Ollama node does not count tokens; this is by the length of the text";
  return encoder.encode(JSON.stringify({
    input_tokens: estimatePromptTokens(request),
    sollol: { is_estimate: true, because },
  }));
}

/** About how many tokens a request's prompt has. */
export function estimatePromptTokens(request: ChatRequest): number {
  const tools = offeredTools(request);
  return tokensOf(tools.length === 0 ? "" : JSON.stringify(tools)) +
    request.messages.reduce((sum, message) => sum + tokensOfMessage(message), 0);
}

function tokensOfMessage({ content, reasoning = "", media, toolCalls }: ChatMessage): number {
  const calls = toolCalls.map(({ name, argumentsJson }) => name + argumentsJson).join("");
  return TOKENS_PER_MESSAGE + media.length * TOKENS_PER_IMAGE + tokensOf(content + reasoning + calls);
}

function tokensOf(text: string): number {
  return Math.ceil(encoder.encode(text).byteLength / BYTES_PER_TOKEN);
}
