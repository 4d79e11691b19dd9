import { GatewayError } from "../errors.ts";
import { withDimensions } from "./embedding_dimensions.ts";
import type { Exchange, ExchangeFor, UpstreamFacts } from "./exchange.ts";
import {
  type JsonEdit,
  type JsonObject,
  membersOf,
  objectAt,
  placesIn,
  setMember,
  textOf,
  withEdits,
} from "./json_edits.ts";
import { COMPLETION_FIELDS } from "./llama_completion_events.ts";
import { llamaChatEdits, nodeChatEdits, storedTurnEdits } from "./openai_chat_edits.ts";
import { infillToOpenai } from "./openai_infill.ts";
import { withModel } from "./openai_model.ts";
import type {
  ChatEnvelope,
  CompletionEnvelope,
  EmbeddingEnvelope,
  RequestEnvelope,
} from "./openai_request.ts";
import { chatToolName, responsesToolName, withToolWish } from "./openai_tool_choice.ts";
import { requireCapabilities } from "./require_capabilities.ts";
import { endedResponse, fieldsIn, type ResponseTerms, responseTerms } from "./responses_answer.ts";
import { llamaResponsesEdits, storedInputEdits } from "./responses_edits.ts";
import { ResponsesEvents } from "./responses_events.ts";
import type { ResponsesEnvelope } from "./responses_request.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * How `POST /v1/chat/completions` is put to an upstream: as it is, but for what that upstream does not understand.
 *
 * @param body As it was decoded; not changed.
 */
export function openaiChatExchange(body: Uint8Array<ArrayBuffer>, envelope: ChatEnvelope): ExchangeFor {
  const { stream, toolWish, quirks } = envelope;
  return (upstream) => {
    const wished = toolWish ? withToolWish(body, toolWish, upstream.kind, chatToolName) : body;
    return {
      target: "/v1/chat/completions",
      stream,
      format: "openai",
      body: forUpstream(
        wished,
        envelope,
        upstream,
        (chat) =>
          upstream.kind === "ollama" ? nodeChatEdits(chat, quirks) : [
            ...llamaChatEdits(chat, quirks),
            ...(upstream.model ? storedTurnEdits(chat, upstream.model, quirks) : []),
          ],
      ),
    };
  };
}

/**
 * How `POST /v1/completions` is put to an upstream. llama-server ignores a suffix there: a text between two others is asked of
 * its `/infill`, which takes the same fields but for these two.
 *
 * @param body As it was decoded; not changed.
 */
export function openaiCompletionExchange(
  body: Uint8Array<ArrayBuffer>,
  envelope: CompletionEnvelope,
): ExchangeFor {
  const { stream, promptCount, suffix } = envelope;
  return (upstream) => {
    if (suffix !== "" && upstream.kind === "llama-server") return infill(body, envelope, upstream);
    return {
      target: "/v1/completions",
      stream,
      format: "openai",
      body: forUpstream(body, envelope, upstream, (request) => promptCount === 1 ? onlyPrompt(request) : []),
    };
  };
}

function infill(
  body: Uint8Array<ArrayBuffer>,
  envelope: CompletionEnvelope,
  upstream: UpstreamFacts,
): Exchange {
  const { stream, suffix, model } = envelope;
  const name = model ?? upstream.model?.name ?? upstream.modelName ?? "";
  if (upstream.model) {
    const wish = { isWished: true, needed: "insert", word: "insert", field: "suffix" } as const;
    requireCapabilities(name, upstream.model, [wish]);
  }
  return {
    target: "/infill",
    stream,
    format: "completion",
    body: forUpstream(body, envelope, upstream, (request) => [
      ...setMember(request, "input_prefix", promptText(request)),
      ...setMember(request, "input_suffix", JSON.stringify(suffix)),
      ...setMember(request, "prompt", '""'), // means what comes behind both there
      ...setMember(request, "response_fields", JSON.stringify(COMPLETION_FIELDS)),
    ]),
    ...infillToOpenai(name),
  };
}

/** JSON of the only prompt, of which the last one counts. */
function promptText(request: JsonObject): string {
  const { json } = request;
  const { value } = membersOf(request, "prompt").at(-1)!;
  return textOf(json, placesIn(json, value.start)[0] ?? value);
}

/**
 * How `POST /v1/embeddings` is put to an upstream.
 *
 * @param body As it was decoded, or the same with fewer inputs; not changed.
 */
export function openaiEmbeddingExchange(
  body: Uint8Array<ArrayBuffer>,
  envelope: EmbeddingEnvelope,
): ExchangeFor {
  const { model, dimensions, encodingFormat } = envelope;
  const format = encodingFormat?.toLowerCase() ?? "float";
  const isFormatOdd = encodingFormat !== undefined && encodingFormat !== format;
  return (upstream) => {
    const isNode = upstream.kind === "ollama";
    return {
      target: "/v1/embeddings",
      stream: false,
      format: "openai",
      body: forUpstream(
        body,
        envelope,
        upstream,
        (request) =>
          isFormatOdd && !isNode ? setMember(request, "encoding_format", JSON.stringify(format)) : [],
      ),
      ...(dimensions !== undefined && !isNode && {
        translateWhole: (answer) => {
          const shorter = withDimensions(answer, dimensions);
          return model === undefined ? shorter : withModel(shorter, model);
        },
      }),
    };
  };
}

/** How `POST /v1/responses` is put to an upstream. @param body As it was decoded; not changed. */
export function responsesExchange(
  body: Uint8Array<ArrayBuffer>,
  envelope: ResponsesEnvelope,
): ExchangeFor {
  const { stream, toolWish, hasInstructions } = envelope;
  return (upstream) => {
    const wished = toolWish ? withToolWish(body, toolWish, upstream.kind, responsesToolName) : body;
    return {
      target: "/v1/responses",
      stream,
      format: "responses",
      body: forUpstream(wished, envelope, upstream, (request) =>
        upstream.kind === "ollama" ? [] : [
          ...llamaResponsesEdits(request),
          ...(upstream.model ? storedInputEdits(request, upstream.model, hasInstructions) : []),
        ]),
      ...(upstream.kind === "llama-server" && completedResponses(responseTerms(envelope, upstream))),
    };
  };
}

/** llama-server leaves out much of what OpenAI's clients count on. */
function completedResponses(
  terms: ResponseTerms,
): Required<Pick<Exchange, "translateWhole" | "translateStream">> {
  return {
    translateWhole: (body) => {
      const said = fieldsIn(JSON.parse(decoder.decode(body)));
      return encoder.encode(JSON.stringify(endedResponse(said, terms)));
    },
    translateStream: (times) => new ResponsesEvents(terms, times),
  };
}

/** How `POST /v1/rerank` is put to llama-server. @param body As it was decoded; not changed. */
export function rerankExchange(body: Uint8Array<ArrayBuffer>, envelope: RequestEnvelope): ExchangeFor {
  return (upstream) => {
    if (upstream.kind === "ollama") {
      throw new GatewayError(
        "model_unusable",
        "Ollama cannot rerank; ask for a model that a coordinator serves",
      );
    }
    const reranked = forUpstream(body, envelope, upstream, () => []);
    return { target: "/v1/rerank", stream: false, format: "openai", body: reranked };
  };
}

/** The body with what the upstream must be told otherwise; the very same one where that is nothing. */
function forUpstream(
  body: Uint8Array<ArrayBuffer>,
  { model }: RequestEnvelope,
  { modelName }: UpstreamFacts,
  editsOf: (request: JsonObject) => readonly JsonEdit[],
): Uint8Array<ArrayBuffer> {
  const request = objectAt(body);
  const isCalledSo = modelName === undefined || modelName === model;
  const named = isCalledSo ? [] : setMember(request, "model", JSON.stringify(modelName));
  return withEdits(body, [...named, ...editsOf(request)]);
}

/** Ollama takes no list of prompts, not even of one. */
function onlyPrompt(request: JsonObject): JsonEdit[] {
  const { json } = request;
  return membersOf(request, "prompt").flatMap(({ value: { start, end } }) => {
    const [only] = placesIn(json, start);
    return only ? [{ start, end, value: textOf(json, only) }] : [];
  });
}
