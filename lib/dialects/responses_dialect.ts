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
    errorEvent(openaiDialect.errorBody(error, requestId)["error"] as Record<string, unknown>),
  refusalEvent(refusal, requestId) {
    const { error, message } = readUpstreamError(openaiDialect.refusal(refusal, requestId).body);
    return errorEvent({ ...error, message });
  },
  // A response has no place for words that are no part of it.
  waitingWord: ({ text }) => sseComment(text),
};

/** Its number among the events is not known: nobody counted them. */
function errorEvent(error: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  const { code = null, param = null } = error;
  const data = { ...error, type: "error", code, param, sequence_number: 0 };
  return encodeSseEvent({ type: "error", data: JSON.stringify(data) });
}
