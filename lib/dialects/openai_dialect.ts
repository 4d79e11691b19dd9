import { sseComment } from "../stream/sse_comment.ts";
import { encodeSseJson } from "../stream/sse_event.ts";
import type { ClientDialect, UpstreamRefusal } from "./client_dialect.ts";
import { errorBody, unexpectedErrorBody } from "./openai.ts";
import { reasoningNote } from "./openai_notes.ts";
import { sentenceForClient, statusForClient } from "./refusal_status.ts";
import { readUpstreamError, type UpstreamError } from "./upstream_error.ts";

const encoder = new TextEncoder();

/** How OpenAI's clients of chat, completions, embeddings and models are spoken to; whoever speaks no other dialect, too. */
export const openaiDialect: ClientDialect = {
  name: "openai",
  streamType: "text/event-stream",
  errorBody: (error, requestId) => error ? errorBody(error, requestId) : unexpectedErrorBody(requestId),
  errorEvent: (error, requestId) => encodeSseJson(openaiDialect.errorBody(error, requestId)),
  refusal(refusal, requestId) {
    const said = readUpstreamError(refusal.body);
    const body = isOpenai(said, refusal)
      ? refusal.body
      : encoder.encode(JSON.stringify(rewrapped(said, refusal, requestId)));
    return { status: statusForClient(refusal), body };
  },
  refusalEvent(refusal, requestId) {
    const said = readUpstreamError(refusal.body);
    return encodeSseJson(
      isOpenai(said, refusal) ? { error: said.error } : rewrapped(said, refusal, requestId),
    );
  },
  waitingWord: (word) => word.isNote ? reasoningNote(word) : sseComment(word.text),
  comment: sseComment,
};

/** Whether it is an error as OpenAI's clients read it, and blames whom our status blames: such a one passes as it is. */
function isOpenai({ message, error }: UpstreamError, refusal: UpstreamRefusal): boolean {
  const isWhole = error?.["message"] === message && message !== "" && typeof error["code"] !== "number";
  return isWhole && statusForClient(refusal) === refusal.status;
}

/** llama-server tells its status as the code, where OpenAI's clients look for a word. */
function rewrapped(said: UpstreamError, refusal: UpstreamRefusal, requestId: string): unknown {
  const status = statusForClient(refusal);
  const usual = status < 500 ? "invalid_request_error" : "server_error";
  return {
    error: {
      ...said.error,
      message: sentenceForClient(refusal),
      type: status === refusal.status ? said.type ?? usual : usual,
      param: said.error?.["param"] ?? null,
      code: said.type === "exceed_context_size_error" ? "context_length_exceeded" : null,
      request_id: requestId,
    },
  };
}
