import { deepEqual } from "node:assert/strict";
import type { StreamFormat } from "../../../lib/dialects/exchange.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const STREAMS: readonly { format: StreamFormat; piece: string; error: string; end: string }[] = [
  { format: "openai", piece: `data: {"a":1}\n\n`, error: `data: {"error":{}}\n\n`, end: "data: [DONE]\n\n" },
  { format: "ollama", piece: `{"a":1}\n`, error: `{"error":"no"}\n`, end: `{"done":true}\n` },
  {
    format: "anthropic",
    piece: `event: ping\ndata: {}\n\n`,
    error: `event: error\ndata: {}\n\n`,
    end: `event: message_stop\ndata: {}\n\n`,
  },
];

for (const { format, piece, error, end } of STREAMS) {
  Deno.test(`behind an error nothing is handed on, wherever the stream is cut: ${format}`, () => {
    const bytes = encoder.encode(piece + error + end + piece);
    for (let at = 0; at <= bytes.byteLength; at++) {
      const watch = watchFor(format);
      const said = [bytes.subarray(0, at), bytes.subarray(at)].map((part) =>
        decoder.decode(watch.push(part))
      );
      deepEqual([said.join(""), watch.hasError, watch.isDone], [piece + error, true, false]);
    }
  });
}
