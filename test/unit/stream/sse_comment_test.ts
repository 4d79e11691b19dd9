import { equal, ok } from "node:assert/strict";
import { sseComment } from "../../../lib/stream/sse_comment.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";

const text = (comment: Uint8Array) => new TextDecoder().decode(comment);

Deno.test("a comment is one line that no reader takes for an event", () => {
  equal(text(sseComment("waits for é")), ": waits for é\n\n");
  for (const evil of ["\n\ndata: 1\n\n", "\r\ndata: 1\r\n\r\n", "a\rdata: 1\r\r", "\u2028data: 1", "\0"]) {
    equal(new SseReader().push(sseComment(evil)).length, 0);
    equal(text(sseComment(evil)).split(/[\r\n\u2028\0]/).length, 3, JSON.stringify(evil));
  }
});

Deno.test("a comment that goes on and on is cut", () => {
  ok(sseComment("x".repeat(1e6)).byteLength < 2_000);
});
