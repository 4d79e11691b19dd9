import { encodeSseJson } from "../stream/sse_event.ts";
import type { WaitingWord } from "./client_dialect.ts";

/**
 * An event with a line that a chat program shows as the model's reasoning, before there is a model.
 *
 * Its head stays the same from one to the next, as of any stream; the answer behind it has its own.
 */
export function reasoningNote(
  { text, requestId, model, atMs, isFirst }: WaitingWord,
): Uint8Array<ArrayBuffer> {
  return encodeSseJson({
    id: `chatcmpl-${requestId}`,
    object: "chat.completion.chunk",
    created: Math.floor(atMs / 1_000),
    model,
    choices: [{
      index: 0,
      delta: {
        ...(isFirst && { role: "assistant", content: null }), // the role is told once
        reasoning_content: `${text}\n`,
      },
      finish_reason: null,
    }],
  });
}
