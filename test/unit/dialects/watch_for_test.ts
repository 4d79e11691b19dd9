import { deepEqual, throws } from "node:assert/strict";
import type { StreamFormat } from "../../../lib/dialects/exchange.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";
import { joinBytes } from "../../../lib/join_bytes.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const typed = (type: string, data: unknown) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data as object })}\n\n`;
const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

/** Streams of each format, and what is to be seen in them: events, tokens, end, error. */
const STREAMS: readonly [StreamFormat, string, string, (number | boolean)[]][] = [
  [
    "anthropic",
    "whole",
    [
      typed("message_start", { message: { content: [] } }),
      ": ping\n\n",
      typed("content_block_start", { index: 0 }),
      typed("content_block_delta", { index: 0, delta: { type: "text_delta", text: "event: message_stop" } }),
      typed("content_block_delta", { index: 0, delta: { type: "text_delta", text: "é€😀" } }),
      typed("content_block_stop", { index: 0 }),
      typed("message_delta", { delta: { stop_reason: "end_turn" } }),
      typed("message_stop", {}),
    ].join(""),
    [7, 2, true, false],
  ],
  [
    "anthropic",
    "without event lines",
    [
      data({ type: "content_block_delta", index: 0 }),
      data({ type: "message_stop" }),
    ].join(""),
    [2, 1, true, false],
  ],
  [
    "anthropic",
    "failed",
    typed("message_start", {}) + `event: error\ndata: {"code":500,"message":"no"}\n\n`,
    [2, 0, false, true],
  ],
  ["anthropic", "cut off", typed("message_start", {}) + "event: message_st", [1, 0, false, false]],
  [
    "responses",
    "whole",
    [
      typed("response.created", {}),
      typed("response.output_text.delta", { delta: "x" }),
      typed("response.function_call_arguments.delta", { delta: "{" }),
      typed("response.completed", { response: {} }),
    ].join(""),
    [4, 2, true, false],
  ],
  ["responses", "too long", typed("response.incomplete", {}), [1, 0, true, false]],
  ["responses", "failed", typed("response.failed", {}), [1, 0, false, true]],
  ["responses", "failed as OpenAI has it", `data: {"error":{"message":"no"}}\n\n`, [1, 0, false, true]],
  [
    "completion",
    "whole",
    [
      data({ index: 0, content: `"stop":true`, stop: false }),
      data({ index: 0, content: "", stop: true, stop_type: "eos" }),
    ].join(""),
    [2, 1, true, false],
  ],
  ["completion", "failed", `data: {"error":{"message":"no"}}\n\n`, [1, 0, false, true]],
  [
    "ollama",
    "whole",
    [
      line({ model: "m", message: { role: "assistant", content: `"done":true` }, done: false }),
      line({
        model: "m",
        message: { tool_calls: [{ function: { arguments: { done: true } } }] },
        done: false,
      }),
      "\n",
      line({ model: "m", message: { content: "" }, done: true, done_reason: "stop", eval_count: 2 }),
    ].join(""),
    [3, 2, true, false],
  ],
  ["ollama", "failed", line({ model: "m", response: "x", done: false }) + line({ error: "no" }), [
    2,
    1,
    false,
    true,
  ]],
  ["ollama", "cut off", line({ response: "x", done: false }) + `{"response":"y","done":tr`, [
    1,
    1,
    false,
    false,
  ]],
  ["openai", "whole", data({ choices: [{ delta: { content: "x" } }] }) + "data: [DONE]\n\n", [
    2,
    1,
    true,
    false,
  ]],
];

for (const [format, name, text, want] of STREAMS) {
  Deno.test(`a stream of the format ${format} that is ${name} is seen so, wherever it is cut`, () => {
    const bytes = encode(text);
    const wholeBytes = handedOn(format, [bytes]).bytes;
    for (let at = 0; at <= bytes.byteLength; at++) {
      const { watch, bytes: passed } = handedOn(format, [bytes.slice(0, at), bytes.slice(at)]);
      deepEqual([watch.dataEventCount, watch.tokenCount, watch.isDone, watch.hasError], want, `cut at ${at}`);
      deepEqual(passed, wholeBytes);
    }
  });
}

Deno.test("lines are held back until whole, and one without end is refused before it eats the memory", () => {
  const watch = watchFor("ollama");
  deepEqual(watch.push(encode(`{"a":`)).byteLength, 0);
  deepEqual(watch.push(encode(`1}\n{"b"`)), encode(`{"a":1}\n`));
  throws(() => watch.push(new Uint8Array(17 * 1024 * 1024).fill(32)), RangeError);
});

function handedOn(format: StreamFormat, chunks: Uint8Array[]) {
  const watch = watchFor(format);
  const bytes = joinBytes(chunks.map((chunk) => watch.push(chunk).slice()));
  return { watch, bytes };
}
