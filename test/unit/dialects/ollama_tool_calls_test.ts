import { deepEqual, equal, throws } from "node:assert/strict";
import { OllamaToolCalls } from "../../../lib/dialects/ollama_tool_calls.ts";

function callsOf(...pieces: readonly (readonly [index: number, json: string])[]): OllamaToolCalls {
  const calls = new OllamaToolCalls();
  for (const index of new Set(pieces.map(([index]) => index))) {
    calls.add({ kind: "tool_call", index, id: `id${index}`, name: `f${index}` });
  }
  for (const [index, json] of pieces) calls.add({ kind: "arguments", index, json });
  return calls;
}

for (
  const { name, calls, isCut, want } of [
    { name: "pieces are joined", calls: callsOf([0, `{"a"`], [0, ":1}"]), isCut: false, want: [`{"a":1}`] },
    {
      name: "calls that mix are told apart",
      calls: callsOf([1, `{"b"`], [0, "{}"], [1, ":2}"]),
      isCut: false,
      want: ["{}", `{"b":2}`],
    },
    { name: "no arguments are an empty object", calls: callsOf([0, " "]), isCut: false, want: ["{}"] },
    {
      name: "they stand on one line, texts as they were",
      calls: callsOf([0, `{\n\t"a b" : "c \\" d\\\\" ,\r\n"e":[1, 2]\n}`]),
      isCut: false,
      want: [`{"a b" : "c \\" d\\\\" ,"e":[1, 2]}`],
    },
    {
      name: "keys stay in their order",
      calls: callsOf([0, `{"2":1,"1":2}`]),
      isCut: false,
      want: [`{"2":1,"1":2}`],
    },
    {
      name: "a call that the limit fell into is left out",
      calls: callsOf([0, "{}"], [1, `{"a":`]),
      isCut: true,
      want: ["{}"],
    },
    { name: "so is one that had only begun", calls: callsOf([0, "{}"], [1, ""]), isCut: true, want: ["{}"] },
  ]
) {
  Deno.test(`tool calls: ${name}`, () => {
    deepEqual(calls.whole({ isCut }).map(({ argumentsJson }) => argumentsJson), want);
  });
}

for (const json of [`{"a":`, "[]", "null", "5", `"x"`, "{}{}"]) {
  Deno.test(`arguments ${json} are no arguments`, () => {
    throws(() => callsOf([0, json]).whole({ isCut: false }), {
      name: "SyntaxError",
      message: /"f0" with arguments that are no JSON object/,
    });
  });
}

Deno.test("a call without an id gets one, and arguments of no call count for nothing", () => {
  const calls = new OllamaToolCalls();
  calls.add({ kind: "arguments", index: 3, json: "{}" });
  calls.add({ kind: "tool_call", index: 0, id: undefined, name: "f" });
  deepEqual(calls.whole({ isCut: false }), [{ id: "call_0", name: "f", argumentsJson: "{}" }]);
});

Deno.test("a text of ten million characters among the arguments is no obstacle", () => {
  const json = JSON.stringify({ a: 'x\\"'.repeat(3_000_000) });
  equal(callsOf([0, json]).whole({ isCut: false })[0]!.argumentsJson === json, true);
});
