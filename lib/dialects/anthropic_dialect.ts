import { GatewayError } from "../errors.ts";
import { sseComment } from "../stream/sse_comment.ts";
import { anthropicEvent } from "./anthropic_event.ts";
import { BrokenAnswer } from "./broken_answer.ts";
import type { ClientDialect, UpstreamRefusal } from "./client_dialect.ts";
import { sentenceForClient, statusForClient } from "./refusal_status.ts";
import { readUpstreamError } from "./upstream_error.ts";

const encoder = new TextEncoder();

/**
 * How clients of Anthropic's API are spoken to. While they wait they get comments: their SDKs have no place for words, and
 * skip comments and pings alike.
 *
 * @see https://docs.anthropic.com/en/api/errors, and `ErrorResponse` of `@anthropic-ai/sdk` 1.12
 */
export const anthropicDialect: ClientDialect = {
  name: "anthropic",
  streamType: "text/event-stream",
  errorBody: (error, requestId) => error ? understood(error, requestId) : unexpected(requestId),
  errorEvent: (error, requestId) => anthropicEvent(anthropicDialect.errorBody(error, requestId)),
  refusal: (refusal, requestId) => ({
    status: statusForClient(refusal),
    body: encoder.encode(JSON.stringify(rewrapped(refusal, requestId))),
  }),
  refusalEvent: (refusal, requestId) => anthropicEvent(rewrapped(refusal, requestId)),
  waitingWord: ({ text }) => sseComment(text),
  comment: sseComment,
};

function understood(error: GatewayError, requestId: string): Record<string, unknown> {
  return errorOf(error.status, error.message, requestId, {
    error_code: error.code,
    ...(error.field !== undefined && { field: error.field }),
    ...(error instanceof BrokenAnswer && { tokens_delivered: error.deliveredTokenCount }),
  });
}

function unexpected(requestId: string): Record<string, unknown> {
  const message = `Something went wrong inside sollol; its log has the details under request ${requestId}`;
  return errorOf(500, message, requestId, { error_code: "internal" });
}

function rewrapped(refusal: UpstreamRefusal, requestId: string): Record<string, unknown> {
  return errorOf(statusForClient(refusal), sentenceOf(refusal), requestId);
}

/** A prompt that is too long is told as Anthropic tells it: clients that shorten a chat by themselves look for these words. */
function sentenceOf(refusal: UpstreamRefusal): string {
  const { promptTokens, contextSize } = readUpstreamError(refusal.body);
  if (promptTokens !== undefined && contextSize !== undefined) {
    return `prompt is too long: ${promptTokens} tokens > ${contextSize} maximum`;
  }
  const said = sentenceForClient(refusal);
  return IS_TOO_LONG.test(said) ? `prompt is too long: ${said}` : said;
}

const IS_TOO_LONG = /exceeds? the (?:available )?context (?:length|size|window)/i;

function errorOf(
  status: number,
  message: string,
  requestId: string,
  details?: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const error = { type: typeOf(status), message, ...(details && { details }) };
  return { type: "error", error, request_id: requestId };
}

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function typeOf(status: number): string {
  return TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}
