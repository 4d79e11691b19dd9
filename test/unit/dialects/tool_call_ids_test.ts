import { deepEqual } from "node:assert/strict";
import { type UnpairedMessage, withToolCallIds } from "../../../lib/dialects/tool_call_ids.ts";

const said = (role: string, told: Partial<UnpairedMessage> = {}): UnpairedMessage => ({
  role,
  content: "",
  media: [],
  toolCalls: [],
  ...told,
});
const call = (name: string, id?: string) => ({ name, id, argumentsJson: "{}" });
const calls = (...toolCalls: ReturnType<typeof call>[]) => said("assistant", { toolCalls });

for (
  const { name, messages, calledAs, answers } of [
    {
      name: "what the client named keeps its name",
      messages: [calls(call("f", "a"), call("g", "b")), said("tool", { toolCallId: "b" })],
      calledAs: ["a", "b"],
      answers: [["b", "g"]],
    },
    {
      name: "calls without ids get some, and results go with them in their order",
      messages: [calls(call("f"), call("f")), said("tool"), said("tool")],
      calledAs: ["call_1", "call_2"],
      answers: [["call_1", "f"], ["call_2", "f"]],
    },
    {
      name: "results that name their tool go with its call",
      messages: [
        calls(call("f"), call("g")),
        said("tool", { toolName: "g" }),
        said("tool", { toolName: "f" }),
      ],
      calledAs: ["call_1", "call_2"],
      answers: [["call_2", "g"], ["call_1", "f"]],
    },
    {
      name: "ids stay unique over turns",
      messages: [calls(call("f")), said("tool"), said("user"), calls(call("f")), said("tool")],
      calledAs: ["call_1", "call_2"],
      answers: [["call_1", "f"], ["call_2", "f"]],
    },
    {
      name: "a result of no call stays as it is",
      messages: [said("user"), said("tool", { toolName: "h" }), said("tool", { toolCallId: "z" })],
      calledAs: [],
      answers: [[undefined, "h"], ["z", undefined]],
    },
    {
      name: "a second result of one call is left alone",
      messages: [calls(call("f")), said("tool"), said("tool")],
      calledAs: ["call_1"],
      answers: [["call_1", "f"], [undefined, undefined]],
    },
  ]
) {
  Deno.test(`tool calls: ${name}`, () => {
    const paired = withToolCallIds(messages);
    deepEqual(paired.flatMap(({ toolCalls }) => toolCalls.map(({ id }) => id)), calledAs);
    const results = paired.filter(({ role }) => role === "tool");
    deepEqual(results.map(({ toolCallId, toolName }) => [toolCallId, toolName]), answers);
  });
}
