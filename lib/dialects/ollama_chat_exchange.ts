import type { ChatRequest } from "./chat.ts";
import type { UpstreamRefusal } from "./client_dialect.ts";
import type { Exchange, ExchangeFor, UpstreamFacts } from "./exchange.ts";
import { continuedText, llamaChatBody } from "./llama_chat_body.ts";
import type { OllamaChat } from "./ollama_chat_request.ts";
import { onlyLoaded } from "./ollama_loaded.ts";
import { openaiToOllama } from "./ollama_translator.ts";
import { passedTo } from "./pass_through.ts";
import { type CapabilityWish, mediaWishes, requireCapabilities } from "./require_capabilities.ts";
import { shorterChat } from "./shorter_chat.ts";
import { readUpstreamError } from "./upstream_error.ts";

/**
 * Of the room for a prompt so much is filled at each new try: lengths in tokens are guessed from characters, and a chat
 * of thousands of messages is to fit after a few.
 */
const FILLED = [0.95, 0.8, 0.5, 0.2, 0];

/**
 * How a chat of an Ollama client is put to an upstream: to a node as it is, to llama-server translated.
 *
 * @param body What the client sent.
 * @param request What `decodeOllamaChat` made of it.
 */
export function ollamaChatExchange(body: Uint8Array<ArrayBuffer>, request: OllamaChat): ExchangeFor {
  const { model, stream, isLoad, chat } = request;
  return (upstream) => {
    if (upstream.kind === "ollama") {
      return passedTo(upstream, { target: "/api/chat", body, model, stream, format: "ollama" });
    }
    const name = model ?? upstream.model?.name ?? upstream.modelName ?? "";
    if (upstream.model) requireCapabilities(name, upstream.model, wishesOf(chat));
    if (isLoad) return onlyLoaded({ kind: "chat", model: name, reason: "load" });
    return toLlamaServer(request, name, upstream, 0);
  };
}

/** In Ollama's order. */
function wishesOf({ messages, tools, thinking }: ChatRequest): readonly CapabilityWish[] {
  const isToThink = thinking !== undefined && thinking !== false;
  return [
    { isWished: isToThink, needed: "thinking", word: "thinking", field: "think" },
    { isWished: true, needed: "completion", word: "chat", field: "model" },
    { isWished: tools.length > 0, needed: "tools", word: "tools", field: "tools" },
    ...mediaWishes(messages.flatMap(({ media }) => media)),
  ];
}

function toLlamaServer(
  request: OllamaChat,
  name: string,
  upstream: UpstreamFacts,
  triesCount: number,
): Exchange {
  const { chat } = request;
  return {
    target: "/v1/chat/completions",
    body: llamaChatBody(chat, upstream),
    stream: chat.stream,
    format: "openai",
    ...openaiToOllama(
      { kind: "chat", model: name, topLogprobs: chat.topLogprobs },
      continuedText(chat.messages),
    ),
    afterRefusal: (refusal) => {
      const shorter = request.truncate ? shortened(chat, refusal, triesCount) : undefined;
      return shorter && toLlamaServer({ ...request, chat: shorter }, name, upstream, triesCount + 1);
    },
  };
}

/** What is asked after the prompt was too long. */
function shortened(chat: ChatRequest, refusal: UpstreamRefusal, triesCount: number): ChatRequest | undefined {
  const { type, promptTokens, contextSize } = readUpstreamError(refusal.body);
  const filled = FILLED[triesCount];
  const isTooLong = type === "exceed_context_size_error" && promptTokens && contextSize;
  if (!isTooLong || filled === undefined) return undefined;
  const messages = shorterChat(chat.messages, { promptTokens, wantedTokens: contextSize * filled });
  return messages && { ...chat, messages };
}
