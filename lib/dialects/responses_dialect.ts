import { sseComment } from "../stream/sse_comment.ts";
import { encodeSseEvent } from "../stream/sse_event.ts";
import type { ClientDialect } from "./client_dialect.ts";
import { openaiDialect } from "./openai_dialect.ts";
import { readUpstreamError } from "./upstream_error.ts";

/**
 * How OpenAI's clients of responses are spoken to. Before a stream errors are those of all its dialects; inside it each
 * event has a type, and that of an error is `error`.
 *
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 */
export const responsesDialect: ClientDialect = {
  ...openaiDialect,
  name: "responses",
  errorEvent: (error, requestId) =>
    responsesErrorEvent(openaiDialect.errorBody(error, requestId)["error"] as Record<string, unknown>),
  refusalEvent(refusal, requestId) {
    const { error, message } = readUpstreamError(openaiDialect.refusal(refusal, requestId).body);
    return responsesErrorEvent({ ...error, message });
  },
  // A response has no place for words that are no part of it.
  waitingWord: ({ text }) => sseComment(text),
};

/**
 * An error as the event that ends a stream.
 *
 * @param error As OpenAI's clients read it.
 * @param sequenceNumber Its place among the events; default 0: nobody counted them.
 */
export function responsesErrorEvent(
  error: Readonly<Record<string, unknown>>,
  sequenceNumber = 0,
): Uint8Array<ArrayBuffer> {
  const { code = null, type, param = null } = error;
  const word = typeof code === "number" ? type : code; // llama-server's codes are statuses
  const data = { ...error, type: "error", code: word, param, sequence_number: sequenceNumber };
  return encodeSseEvent({ type: "error", data: JSON.stringify(data) });
}
