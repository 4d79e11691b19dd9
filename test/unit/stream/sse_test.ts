import { deepEqual, equal, throws } from "node:assert/strict";
import { SseWatch } from "../../../lib/stream/sse.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const STREAM = [
  `data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n`,
  `: ping\n\n`,
  `data: {"choices":[{"delta":{"content":"h\u00e9llo [DONE] \\n\\n"}}]}\n\n`,
  `event: note\ndata: {"a":1}\n\n`,
  `data: [DONE]\n\n`,
].join("");

function watchPieces(pieces: Uint8Array[]) {
  const watch = new SseWatch();
  const out = pieces.map((piece) => decoder.decode(watch.push(piece)));
  return { watch, out };
}

Deno.test("whole events are handed on as the very same bytes", () => {
  const watch = new SseWatch();
  const chunk = encoder.encode(`data: {"x":1}\n\n`);
  equal(watch.push(chunk), chunk);
  equal(watch.dataEventCount, 1);
});

Deno.test("a stream cut at every byte is handed on complete, in whole events, and judged the same", () => {
  const bytes = encoder.encode(STREAM);
  for (let cut = 0; cut <= bytes.byteLength; cut++) {
    const { watch, out } = watchPieces([bytes.slice(0, cut), bytes.slice(cut)]);
    equal(out.join(""), STREAM, `cut at ${cut}`);
    for (const text of out) {
      equal(text === "" || text.endsWith("\n\n"), true, `cut at ${cut} handed on half an event`);
    }
    deepEqual([watch.dataEventCount, watch.isDone, watch.hasError, watch.pendingBytes], [4, true, false, 0]);
  }
});

Deno.test("byte by byte is the same as at once", () => {
  const { watch, out } = watchPieces([...encoder.encode(STREAM)].map((byte) => Uint8Array.of(byte)));
  equal(out.join(""), STREAM);
  equal(watch.isDone, true);
});

Deno.test("what is not whole is held back, so a broken stream leaves no half event", () => {
  const { watch, out } = watchPieces([encoder.encode(`data: 1\n\ndata: {"half":`)]);
  deepEqual(out, ["data: 1\n\n"]);
  equal(watch.pendingBytes, 14);
  equal(watch.isDone, false);
});

Deno.test("pings are no progress, text that says [DONE] is no end, an error event is told apart", () => {
  const { watch } = watchPieces([
    encoder.encode(`:\n\ndata: {"t":"data: [DONE]"}\n\ndata: {"error":{"message":"m"}}\n\n`),
  ]);
  deepEqual([watch.dataEventCount, watch.isDone, watch.hasError], [2, false, true]);
});

Deno.test("CRLF line ends are understood", () => {
  const { watch, out } = watchPieces([encoder.encode("data: 1\r\n\r\ndata: [DONE]\r\n\r\n")]);
  deepEqual([watch.dataEventCount, watch.isDone, out[0]!.length], [2, true, 27]);
});

Deno.test("an event without end is refused before it eats the memory", () => {
  const watch = new SseWatch();
  throws(() => {
    for (let i = 0; i < 10; i++) watch.push(new Uint8Array(1024 * 1024).fill(120));
  }, RangeError);
});

const tokenChunks: { name: string; delta: string; want: number }[] = [
  { name: "text", delta: `{"content":" a"}`, want: 1 },
  { name: "text behind a space", delta: `{"content": "a"}`, want: 1 },
  { name: "reasoning beside empty text", delta: `{"content":"","reasoning_content":"hm"}`, want: 1 },
  { name: "reasoning under its other name", delta: `{"reasoning":"hm"}`, want: 1 },
  { name: "a tool call", delta: `{"tool_calls":[{"index":0}]}`, want: 1 },
  { name: "a role", delta: `{"role":"assistant","content":null}`, want: 0 },
  { name: "a role with empty text", delta: `{"role":"assistant","content":""}`, want: 0 },
  { name: "no tool call", delta: `{"tool_calls":[]}`, want: 0 },
  { name: "an end", delta: `{}`, want: 0 },
  { name: "another key's text", delta: `{"discontent":"a"}`, want: 0 },
  { name: "a refusal that quotes a key", delta: `{"refusal":"say \\"content\\":\\"a\\""}`, want: 0 },
];
for (const { name, delta, want } of tokenChunks) {
  Deno.test(`a chunk with ${name} counts as ${want} tokens, wherever it is cut`, () => {
    const bytes = encoder.encode(`data: {"choices":[{"index":0,"delta":${delta}}],"id":"c:1"}\n\n`);
    for (let cut = 0; cut <= bytes.byteLength; cut++) {
      equal(watchPieces([bytes.slice(0, cut), bytes.slice(cut)]).watch.tokenCount, want);
    }
  });
}

Deno.test("comments and [DONE] are no tokens", () => {
  const { watch } = watchPieces([encoder.encode(`: "content":"a"\n\ndata: [DONE]\n\n`)]);
  deepEqual([watch.tokenCount, watch.dataEventCount], [0, 1]);
});
