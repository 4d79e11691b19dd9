import { deepEqual, equal } from "node:assert/strict";
import { ModelEcho } from "../../../lib/dialects/model_echo.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const echo = new ModelEcho(`my "model"`);
const NAME = `"my \\"model\\""`;

for (
  const [what, said, want] of [
    [
      "a chunk",
      `data: {"choices":[],"model":"tiny:latest","x":1}\n\n`,
      `data: {"choices":[],"model":${NAME},"x":1}\n\n`,
    ],
    [
      "each of several",
      `data: {"model":"a"}\n\ndata: {"model":"b"}\n\n`,
      `data: {"model":${NAME}}\n\ndata: {"model":${NAME}}\n\n`,
    ],
    ["a name with quotes", `data: {"model":"a\\"b\\\\"}\n\n`, `data: {"model":${NAME}}\n\n`],
    ["a space before it", `data: {"model": "a"}\n\n`, `data: {"model": ${NAME}}\n\n`],
    [
      "only the first of a line",
      `{"model":"a","message":{"tool_calls":[{"function":{"arguments":{"model":"z"}}}]}}\n`,
      `{"model":${NAME},"message":{"tool_calls":[{"function":{"arguments":{"model":"z"}}}]}}\n`,
    ],
    ["no text of the model's", `data: {"delta":{"content":"\\"model\\":\\"x\\""}}\n\n`, undefined],
    ["no other value", `data: {"model":null}\n\ndata: {"model":{"a":1}}\n\n`, undefined],
    ["nothing where there is none", `data: [DONE]\n\n: ping\n\n`, undefined],
    ["nothing that is right already", `data: {"model":${NAME}}\n\n`, undefined],
    ["nothing that is cut off", `data: {"model":"a`, undefined],
  ] as const
) {
  Deno.test(`in events the client's name stands for ${what}`, () => {
    const bytes = encode(said);
    const named = echo.inEvents(bytes);
    equal(decode(named), want ?? said);
    equal(named === bytes, want === undefined);
  });
}

for (
  const [what, said, want] of [
    [
      "the answer's own",
      `{"content":[{"input":{"model":"z"}}],"model":"a"}`,
      `{"content":[{"input":{"model":"z"}}],"model":${NAME}}`,
    ],
    ["one told twice", `{"model":"a","model":"b"}`, `{"model":${NAME},"model":${NAME}}`],
    ["no nested one", `{"a":{"model":"z"}}`, undefined],
    ["nothing where there is none", `{"a":1}`, undefined],
    ["no other value", `{"model":null}`, undefined],
    ["nothing that is right already", `{"model":${NAME}}`, undefined],
  ] as const
) {
  Deno.test(`in a whole answer the client's name stands for ${what}`, () => {
    equal(decode(echo.inAnswer(encode(said))), want ?? said);
  });
}

Deno.test("what is not JSON stays as it is", () => {
  for (const said of ["", `"model":`, `{"model":`, "[1]"]) {
    deepEqual(echo.inAnswer(encode(said)), encode(said));
  }
});
