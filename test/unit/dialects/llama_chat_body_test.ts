import { deepEqual, equal, throws } from "node:assert/strict";
import type { ChatMessage, ChatRequest } from "../../../lib/dialects/chat.ts";
import { continuedText, llamaChatBody } from "../../../lib/dialects/llama_chat_body.ts";
import type { ServedModel } from "../../../lib/dialects/served_model.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const message = (role: string, content = "", told: Partial<ChatMessage> = {}): ChatMessage => ({
  role,
  content,
  media: [],
  toolCalls: [],
  ...told,
});
const hi = message("user", "hi");

function bodyOf(told: Partial<ChatRequest>, model?: ServedModel) {
  const request = {
    messages: [hi],
    tools: [],
    toolChoice: "auto",
    options: {},
    stream: true,
    ...told,
  } as const;
  return JSON.parse(new TextDecoder().decode(llamaChatBody(request, { modelName: "there", model })));
}

Deno.test("a chat is put to llama-server with all of its options", () => {
  const body = bodyOf({ options: { seed: 5 } });
  equal(body.model, "there");
  equal(body.stream, true);
  equal(body.seed, 5);
  equal(body.top_p, 0.9);
  deepEqual(body.messages, [{ role: "user", content: "hi" }]);
  deepEqual(
    ["tools", "tool_choice", "response_format", "logprobs", "stop"].filter((name) => name in body),
    [],
  );
});

Deno.test("the model's name stays out where the upstream has none", () => {
  const request = { messages: [hi], tools: [], toolChoice: "auto", options: {}, stream: true } as const;
  const body = new TextDecoder().decode(llamaChatBody(request, { modelName: undefined, model: undefined }));
  equal("model" in JSON.parse(body), false);
});

for (
  const { name, model, messages, want } of [
    {
      name: "what is stored comes first, its system message before all",
      model: servedModel({ system: "Be.", messages: [{ role: "user", content: "stored" }] }),
      messages: [hi],
      want: ["system Be.", "user stored", "user hi"],
    },
    {
      name: "the client's system message is in the place of the stored one",
      model: servedModel({ system: "Be.", messages: [{ role: "user", content: "stored" }] }),
      messages: [message("system", "Mine."), hi],
      want: ["user stored", "system Mine.", "user hi"],
    },
    {
      name: "two last messages of the assistant are one",
      model: undefined,
      messages: [hi, message("assistant", "a"), message("assistant"), message("assistant", "b")],
      want: ["user hi", "assistant a\nb"],
    },
    {
      name: "two messages of the assistant inside stay two",
      model: undefined,
      messages: [hi, message("assistant", "a"), message("assistant", "b"), hi],
      want: ["user hi", "assistant a", "assistant b", "user hi"],
    },
  ]
) {
  Deno.test(`messages: ${name}`, () => {
    const body = bodyOf({ messages }, model);
    deepEqual(body.messages.map(({ role, content }: ChatMessage) => `${role} ${content}`), want);
  });
}

Deno.test("thoughts, calls and results are told in OpenAI's form", () => {
  const { messages } = bodyOf({
    messages: [
      message("assistant", "", {
        reasoning: "hm",
        toolCalls: [{ id: "a", name: "f", argumentsJson: `{"2":1,"1":2}` }],
      }),
      message("tool", "7", { toolCallId: "a", toolName: "f" }),
    ],
  });
  deepEqual(messages, [
    {
      role: "assistant",
      content: "",
      reasoning_content: "hm",
      tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: `{"2":1,"1":2}` } }],
    },
    { role: "tool", content: "7", tool_call_id: "a", name: "f" },
  ]);
});

Deno.test("pictures and sounds stand behind the text, which may be missing", () => {
  const media = [{ type: "image/png", base64: "AAAA" }, { type: "audio/mpeg", base64: "BBBB" }];
  const { messages } = bodyOf({
    messages: [message("user", "look", { media }), message("user", "", { media })],
  });
  const parts = [
    { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    { type: "input_audio", input_audio: { data: "BBBB", format: "mp3" } },
  ];
  deepEqual(messages[0].content, [{ type: "text", text: "look" }, ...parts]);
  deepEqual(messages[1].content, parts);
});

Deno.test("a WebP is refused with what to do", () => {
  const media = [{ type: "image/webp", base64: "AAAA" }];
  throws(() => bodyOf({ messages: [message("user", "", { media })] }), {
    code: "invalid_request",
    field: "images",
    message: /WebP, which llama\.cpp cannot decode; convert it to PNG or JPEG/,
  });
});

const tools = ["f", "g"].map((name) => ({ name, parameters: { type: "object" } }));
for (
  const { toolChoice, names, want } of [
    { toolChoice: "auto", names: ["f", "g"], want: undefined },
    { toolChoice: "none", names: ["f", "g"], want: "none" },
    { toolChoice: "required", names: ["f", "g"], want: "required" },
    { toolChoice: { name: "g" }, names: ["g"], want: "required" },
  ] as const
) {
  Deno.test(`the choice of ${JSON.stringify(toolChoice)} is told as ${want}`, () => {
    const body = bodyOf({ tools, toolChoice });
    equal(body.tool_choice, want);
    deepEqual(body.tools.map((tool: { function: { name: string } }) => tool.function.name), names);
  });
}

Deno.test("a tool that is not there cannot be the one to be called", () => {
  throws(() => bodyOf({ tools, toolChoice: { name: "h" } }), {
    code: "invalid_request",
    field: "tool_choice",
    message: /"h"/,
  });
  equal("tool_choice" in bodyOf({ toolChoice: "required" }), false);
});

for (
  const { name, told, field, want } of [
    { name: "any JSON", told: { format: "json" }, field: "response_format", want: { type: "json_object" } },
    {
      name: "JSON by a schema",
      told: { format: { schema: { type: "object" } } },
      field: "response_format",
      want: { type: "json_schema", json_schema: { name: "schema", schema: { type: "object" } } },
    },
    { name: "as the model likes", told: {}, field: "chat_template_kwargs", want: undefined },
    {
      name: "thoughts",
      told: { thinking: true },
      field: "chat_template_kwargs",
      want: { enable_thinking: true },
    },
    {
      name: "no thoughts",
      told: { thinking: false },
      field: "chat_template_kwargs",
      want: { enable_thinking: false },
    },
    {
      name: "some thoughts",
      told: { thinking: "low" },
      field: "chat_template_kwargs",
      want: { enable_thinking: true, reasoning_effort: "low" },
    },
    { name: "logarithms", told: { topLogprobs: 0 }, field: "top_logprobs", want: 1 },
    { name: "logarithms with alternatives", told: { topLogprobs: 5 }, field: "top_logprobs", want: 5 },
    {
      name: "logarithms beside streamed calls",
      told: { topLogprobs: 5, tools },
      field: "logprobs",
      want: undefined,
    },
    {
      name: "logarithms beside calls",
      told: { topLogprobs: 5, tools, stream: false },
      field: "logprobs",
      want: true,
    },
  ] as const
) {
  Deno.test(`a wish for ${name} is told by ${field}`, () => {
    deepEqual(bodyOf(told)[field], want);
  });
}

Deno.test("a model that can think does so unless it is told not to", () => {
  const model = servedModel({ capabilities: new Set(["completion", "thinking"]) });
  deepEqual(bodyOf({}, model).chat_template_kwargs, { enable_thinking: true });
  deepEqual(bodyOf({ thinking: false }, model).chat_template_kwargs, { enable_thinking: false });
});

Deno.test("the assistant's last word is what the model goes on from", () => {
  equal(continuedText([hi, message("assistant", "a"), message("assistant", "b")]), "a\nb");
  equal(continuedText([hi]), "");
  equal(continuedText([]), "");
});
