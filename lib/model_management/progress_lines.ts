import { type ProgressLine, readProgress } from "../dialects/ollama_progress.ts";
import type { HttpBody } from "../http/client.ts";
import { LineSplitter } from "../process/line_splitter.ts";

/** Longer than any line of progress, bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * The lines of a node's progress as they come; what is none is left out. Who stops reading ends the node's work.
 *
 * @throws What breaks the answer.
 */
export async function* progressLines(body: HttpBody): AsyncGenerator<ProgressLine, void> {
  const texts: string[] = [];
  const splitter = new LineSplitter((text) => texts.push(text), { maxLineBytes: MAX_LINE_BYTES });
  try {
    for (let piece = await body.read(); piece !== null; piece = await body.read()) {
      splitter.push(piece);
      yield* understood(texts.splice(0));
    }
    splitter.end();
    yield* understood(texts);
  } finally {
    body.cancel();
  }
}

function understood(texts: readonly string[]): ProgressLine[] {
  return texts.flatMap((text) => readProgress(text) ?? []);
}
