import { GatewayError } from "../errors.ts";
import { AnthropicAnswerStream } from "./anthropic_answer.ts";
import { llamaMessagesBody } from "./anthropic_llama_body.ts";
import { anthropicMessage, type MessageHead } from "./anthropic_message.ts";
import { passedMessage, PassingMessages } from "./anthropic_passing.ts";
import type { DecodedMessages } from "./anthropic_request.ts";
import { estimatePromptTokens } from "./anthropic_tokens.ts";
import type { ChatEvent, ChatRequest } from "./chat.ts";
import type { UpstreamRefusal } from "./client_dialect.ts";
import type { Exchange, ExchangeFor, UpstreamFacts } from "./exchange.ts";
import { continuedText, llamaChatBody, withoutContinued } from "./llama_chat_body.ts";
import { offeredTools, ollamaChatBody } from "./ollama_chat_body.ts";
import { OllamaChatEvents, ollamaChatEvents } from "./ollama_chat_events.ts";
import { OpenaiChatEvents, openaiChatEvents } from "./openai_chat_events.ts";
import { requireCapabilities } from "./require_capabilities.ts";
import { readUpstreamError } from "./upstream_error.ts";

const encoder = new TextEncoder();

/** A request as it came, and what it says. */
interface Asked {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly decoded: DecodedMessages;
  readonly requestId: string;
}

/**
 * How `POST /v1/messages` is put to an upstream. A llama-server speaks Anthropic's dialect itself, and the bytes pass, unless
 * an answer of a certain form is wanted, which it does not know there: that is asked as OpenAI's clients ask. For an Ollama
 * node it is translated to `/api/chat`, since Ollama's own `/v1/messages` keeps to itself what breaks a stream.
 *
 * @param body What the client sent.
 * @param decoded What it says.
 * @param requestId A translated answer is called after it.
 */
export function anthropicExchange(
  body: Uint8Array<ArrayBuffer>,
  decoded: DecodedMessages,
  requestId: string,
): ExchangeFor {
  const asked = { body, decoded, requestId };
  return (upstream) => {
    if (upstream.kind === "ollama") return toNode(asked, decoded.request, upstream);
    requireAbilities(decoded, upstream);
    return decoded.request.format === undefined ? passed(asked, upstream) : formatted(asked, upstream);
  };
}

/**
 * A prompt that is too long is refused, as Anthropic does: its clients shorten their chats by themselves, and Ollama would
 * leave out what stands in the middle without a word.
 */
function toNode(asked: Asked, request: ChatRequest, upstream: UpstreamFacts): Exchange {
  const head = headOf(asked, upstream);
  return {
    target: "/api/chat",
    body: ollamaChatBody(request, { model: upstream.modelName ?? head.model, truncate: false }),
    stream: request.stream,
    format: "ollama",
    ...translations(head, ollamaChatEvents, () => new OllamaChatEvents()),
    afterRefusal: (refusal) => {
      const lesser = withLessThinking(request, refusal);
      return lesser && toNode(asked, lesser, upstream);
    },
  };
}

/**
 * The same request for a model that does not know how much it is to think, or does not think at all: who speaks to Anthropic's
 * models asks each of them to think. Ollama itself does so for this dialect.
 *
 * @see `relax_thinking` in server/routes.go, ollama 0.33
 */
function withLessThinking(request: ChatRequest, { status, body }: UpstreamRefusal): ChatRequest | undefined {
  const { message } = readUpstreamError(body);
  if (status !== 400 || !request.thinking || !/think/i.test(message)) return undefined;
  const thinksNot = request.thinking === true || /does not support thinking/i.test(message);
  return { ...request, thinking: thinksNot ? undefined : true };
}

function passed({ body, decoded, requestId }: Asked, upstream: UpstreamFacts): Exchange {
  const { stream, model } = decoded;
  const begun = continuedText(decoded.request.messages);
  return {
    target: "/v1/messages",
    body: llamaMessagesBody(body, decoded, upstream),
    stream,
    format: "anthropic",
    translateWhole: (answer) => passedMessage(answer, { model, begun }),
    translateStream: () => new PassingMessages({ requestId, model }),
  };
}

function formatted(asked: Asked, upstream: UpstreamFacts): Exchange {
  const { request } = asked.decoded;
  const begun = continuedText(request.messages);
  return {
    target: "/v1/chat/completions",
    body: llamaChatBody(request, upstream),
    stream: request.stream,
    format: "openai",
    ...translations(
      headOf(asked, upstream),
      (answer) => withoutContinued(openaiChatEvents(answer), begun),
      () => new OpenaiChatEvents(),
    ),
  };
}

/** How answers are told that are neutral pieces once they are read. */
function translations(
  head: MessageHead,
  readWhole: (body: Uint8Array) => readonly ChatEvent[],
  openReader: () => { push(bytes: Uint8Array): ChatEvent[] },
): Pick<Exchange, "translateWhole" | "translateStream"> {
  return {
    translateWhole: (body) => encoder.encode(JSON.stringify(anthropicMessage(head, readWhole(body)))),
    translateStream: () => {
      const [reader, answer] = [openReader(), new AnthropicAnswerStream(head)];
      return { push: (bytes) => answer.push(reader.push(bytes)), end: () => answer.end() };
    },
  };
}

function headOf({ decoded: { model, request }, requestId }: Asked, upstream: UpstreamFacts): MessageHead {
  const promptTokens = estimatePromptTokens(request);
  return { requestId, model: model ?? upstream.model?.name ?? upstream.modelName ?? "", promptTokens };
}

/** @throws {GatewayError} `invalid_request` for what the model, or llama.cpp, cannot do. */
function requireAbilities({ model: said, request }: DecodedMessages, { model }: UpstreamFacts): void {
  const media = request.messages.flatMap((message) => message.media);
  if (media.some(({ type }) => type === "image/webp")) {
    const message = "A picture is WebP, which llama.cpp cannot decode; convert it to PNG or JPEG";
    throw new GatewayError("invalid_request", message, { field: "messages" });
  }
  if (!model) return;
  const hasTools = offeredTools(request).length > 0;
  requireCapabilities(said ?? model.name, model, [
    { isWished: true, needed: "completion", word: "chat", field: "model" },
    { isWished: hasTools, needed: "tools", word: "tools", field: "tools" },
    { isWished: media.length > 0, needed: "vision", word: "images", field: "messages" },
  ]);
}
