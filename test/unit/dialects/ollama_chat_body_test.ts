import { deepEqual } from "node:assert/strict";
import type { ChatRequest } from "../../../lib/dialects/chat.ts";
import { offeredTools, ollamaChatBody } from "../../../lib/dialects/ollama_chat_body.ts";

const HI = { role: "user", content: "hi", media: [], toolCalls: [] };
const TOOLS = [{ name: "f", description: "does it", parameters: { type: "object" } }, {
  name: "g",
  parameters: {},
}];
const ASKED: ChatRequest = { messages: [HI], tools: [], toolChoice: "auto", options: {}, stream: false };

function bodyOf(told: Partial<ChatRequest>): Record<string, unknown> {
  const bytes = ollamaChatBody({ ...ASKED, ...told }, { model: "m:latest", truncate: false });
  return JSON.parse(new TextDecoder().decode(bytes));
}

const USUAL = {
  model: "m:latest",
  messages: [{ role: "user", content: "hi" }],
  options: {},
  stream: false,
  truncate: false,
};
const F = {
  type: "function",
  function: { name: "f", description: "does it", parameters: { type: "object" } },
};
const G = { type: "function", function: { name: "g", parameters: {} } };

for (
  const { name, told, want } of [
    { name: "a chat of the least words", told: {}, want: {} },
    {
      name: "a stream, with options",
      told: { stream: true, options: { top_k: 3, stop: ["a"] } },
      want: {
        stream: true,
        options: { top_k: 3, stop: ["a"] },
      },
    },
    { name: "any JSON", told: { format: "json" }, want: { format: "json" } },
    {
      name: "a schema",
      told: { format: { schema: { type: "object" } } },
      want: { format: { type: "object" } },
    },
    { name: "no thinking", told: { thinking: false }, want: { think: false } },
    { name: "much thinking", told: { thinking: "high" }, want: { think: "high" } },
    { name: "tools", told: { tools: TOOLS }, want: { tools: [F, G] } },
    {
      name: "tools of which one must be called",
      told: { tools: TOOLS, toolChoice: "required" },
      want: {
        tools: [F, G],
      },
    },
    {
      name: "a tool that must be called",
      told: { tools: TOOLS, toolChoice: { name: "g" } },
      want: { tools: [G] },
    },
    { name: "tools that must not be called", told: { tools: TOOLS, toolChoice: "none" }, want: {} },
    {
      name: "a loop with tools, thoughts and pictures",
      told: {
        messages: [
          { ...HI, media: [{ type: "image/png", base64: "AAAA" }] },
          {
            role: "assistant",
            content: "",
            reasoning: "hm",
            media: [],
            toolCalls: [
              { id: "a", name: "f", argumentsJson: '{"b":1,"a":"\\ud800"}' },
              { id: "b", name: "g", argumentsJson: "{}" },
            ],
          },
          { role: "tool", content: "sunny", media: [], toolCalls: [], toolCallId: "a", toolName: "f" },
        ],
      },
      want: {
        messages: [
          { role: "user", content: "hi", images: ["AAAA"] },
          {
            role: "assistant",
            content: "",
            thinking: "hm",
            tool_calls: [
              { id: "a", function: { index: 0, name: "f", arguments: { b: 1, a: "\ud800" } } },
              { id: "b", function: { index: 1, name: "g", arguments: {} } },
            ],
          },
          { role: "tool", content: "sunny", tool_call_id: "a", tool_name: "f" },
        ],
      },
    },
  ] satisfies { name: string; told: Partial<ChatRequest>; want: Record<string, unknown> }[]
) {
  Deno.test(`Ollama is asked for ${name}`, () => deepEqual(bodyOf(told), { ...USUAL, ...want }));
}

Deno.test("only tools that may be called are offered", () => {
  deepEqual(offeredTools({ tools: TOOLS, toolChoice: "auto" }), TOOLS);
  deepEqual(offeredTools({ tools: TOOLS, toolChoice: "none" }), []);
  deepEqual(offeredTools({ tools: TOOLS, toolChoice: { name: "x" } }), []);
});
