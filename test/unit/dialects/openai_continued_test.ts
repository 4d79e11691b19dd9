import { deepEqual, equal } from "node:assert/strict";
import { type ChatChunk, readChatChunk } from "../../../lib/dialects/openai_chunk.ts";
import {
  type ContinuedEvents,
  ContinuedText,
  lastEvents,
  RepeatedChat,
} from "../../../lib/dialects/openai_continued.ts";

const IDENTITY = {
  id: "first",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  system_fingerprint: "b1",
} as const;
const HEAD: ChatChunk = readChatChunk(JSON.stringify({
  ...IDENTITY,
  choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }],
  prompt_progress: { total: 5 },
}))!;
const OTHER = { id: "second", created: 2, model: "other", system_fingerprint: "b2" };

const encode = (lines: unknown[]) =>
  new TextEncoder().encode(lines.map((line) => `data: ${line}\n\n`).join(""));
const chunk = (fields: Record<string, unknown>) => JSON.stringify({ ...OTHER, ...fields });
const piece = (text: string) => chunk({ choices: [{ text, index: 0, finish_reason: null }] });
const END = chunk({
  choices: [{ text: "", index: 0, finish_reason: "length" }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, prompt_tokens_details: {} },
  timings: {},
});

/** The data that a client gets when the bytes come in two parts. */
function continuedBy(make: () => ContinuedEvents, lines: unknown[], cut = 0): unknown[] {
  const [events, bytes] = [make(), encode(lines)];
  const text = [bytes.slice(0, cut), bytes.slice(cut)].map((part) =>
    new TextDecoder().decode(events.push(part))
  ).join("");
  return dataOf(text);
}

function dataOf(text: string): unknown[] {
  const data = text.split("\n\n").slice(0, -1).map((event) => event.slice("data: ".length));
  return data.map((line) => line === "[DONE]" ? line : JSON.parse(line));
}

Deno.test("a text goes on as the chat of the first stream, its usage put right", () => {
  const make = () => new ContinuedText({ head: HEAD, tokenCount: 2, hasUsage: true });
  const lines = [piece(" a"), piece(""), piece("\u00e9\n\n"), END, "[DONE]"];
  const want = [
    { ...IDENTITY, choices: [{ index: 0, delta: { content: " a" }, finish_reason: null }] },
    { ...IDENTITY, choices: [{ index: 0, delta: { content: "\u00e9\n\n" }, finish_reason: null }] },
    { ...IDENTITY, choices: [{ index: 0, delta: {}, finish_reason: "length" }] },
    { ...IDENTITY, choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
    "[DONE]",
  ];
  for (let cut = 0; cut <= encode(lines).byteLength; cut++) deepEqual(continuedBy(make, lines, cut), want);
});

Deno.test("who did not ask for the usage does not get it", () => {
  const got = continuedBy(() => new ContinuedText({ head: HEAD, tokenCount: 2, hasUsage: false }), [
    END,
    "[DONE]",
  ]);
  deepEqual(got.map((event) => Object.hasOwn(event as object, "usage")), [false, false]);
});

Deno.test("an error of the other upstream is passed on", () => {
  const error = { error: { message: "Compute error." } };
  for (
    const make of [
      () => new ContinuedText({ head: HEAD, tokenCount: 0, hasUsage: true }),
      () => new RepeatedChat(HEAD),
    ]
  ) {
    deepEqual(continuedBy(make, [JSON.stringify(error)]), [error]);
  }
});

Deno.test("a repeated chat keeps the identity of the first one and names no role again", () => {
  const choice = (delta: Record<string, unknown>) => [{ index: 0, delta, finish_reason: null }];
  const chat = (delta: Record<string, unknown>) => chunk({ object: HEAD.object, choices: choice(delta) });
  const got = continuedBy(() => new RepeatedChat(HEAD), [
    chat({ role: "assistant", content: null }),
    chat({ reasoning_content: "hm" }),
    chat({ role: "assistant", content: "a" }),
    "[DONE]",
  ]);
  deepEqual(got, [
    { ...IDENTITY, choices: choice({ reasoning_content: "hm" }) },
    { ...IDENTITY, choices: choice({ role: "assistant", content: "a" }) },
    "[DONE]",
  ]);
});

Deno.test("the last events are those that the client lacks", () => {
  const last = (
    fields: { finishReason: string | undefined; usage?: { promptTokens: number; completionTokens: number } },
  ) => dataOf(new TextDecoder().decode(lastEvents({ head: HEAD, ...fields })));
  deepEqual(last({ finishReason: undefined }), ["[DONE]"]);
  deepEqual(last({ finishReason: "length", usage: { promptTokens: 3, completionTokens: 4 } }), [
    { ...IDENTITY, choices: [{ index: 0, delta: {}, finish_reason: "length" }] },
    { ...IDENTITY, choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } },
    "[DONE]",
  ]);
});

Deno.test("garbage is passed on rather than understood", () => {
  const make = () => new ContinuedText({ head: HEAD, tokenCount: 0, hasUsage: true });
  const data = new TextDecoder().decode(make().push(encode(["{", `{"choices":[]}`])));
  equal(data, `data: {\n\ndata: {"choices":[]}\n\n`);
});
