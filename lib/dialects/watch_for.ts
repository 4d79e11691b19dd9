import { completionMeaning } from "../stream/completion_meaning.ts";
import { LineWatch } from "../stream/line_watch.ts";
import { openaiMeaning } from "../stream/openai_meaning.ts";
import { SseWatch } from "../stream/sse.ts";
import type { StreamWatch } from "../stream/stream_watch.ts";
import { typedMeaning } from "../stream/typed_meaning.ts";
import type { StreamFormat } from "./exchange.ts";

const anthropicMeaning = typedMeaning({ done: ["message_stop"], failed: ["error"] });
/** An answer that was too long is whole as far as it goes. */
const responsesMeaning = typedMeaning({
  done: ["response.completed", "response.incomplete"],
  failed: ["response.failed", "error"],
});

const WATCHES = {
  openai: () => new SseWatch(openaiMeaning),
  responses: () => new SseWatch(responsesMeaning),
  anthropic: () => new SseWatch(anthropicMeaning),
  completion: () => new SseWatch(completionMeaning),
  ollama: () => new LineWatch(),
} as const satisfies Record<StreamFormat, () => StreamWatch>;

/** Watches a stream of this format from its beginning. */
export function watchFor(format: StreamFormat): StreamWatch {
  return WATCHES[format]();
}
