import { deepEqual, equal } from "node:assert/strict";
import {
  type RoutingNote,
  withRouting,
  withRoutingEvent,
  withRoutingLine,
} from "../../../lib/dialects/openai_routing.ts";

const NOTE: RoutingNote = {
  backend: "ollama-pool",
  node: "gpu1",
  attempts: 1,
  queue_ms: 0,
  load_ms: 0,
  duration_ms: 7,
  because: `"m" is loaded on gpu1`,
};

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

for (const body of [`{"id":"a","x":{"y":1}}`, `{ }`, `{"a":1}\n`, `\n {"text":"}"} `]) {
  Deno.test(`${JSON.stringify(body)} is told where it comes from, and stays what it was`, () => {
    const { _routing, ...rest } = JSON.parse(decode(withRouting(encode(body), NOTE)));
    deepEqual(_routing, NOTE);
    deepEqual(rest, JSON.parse(body));
  });
}

for (const body of ["", "[1,{}]", "no JSON", "}"]) {
  Deno.test(`${JSON.stringify(body)} is no object, and passes as it is`, () => {
    equal(decode(withRouting(encode(body), NOTE)), body);
  });
}

Deno.test("a stream tells it in a chunk of its own in front of [DONE]", () => {
  const events = `data: {"choices":[{}]}\n\ndata: [DONE]\n\n`;
  const [first, note, done, rest] = decode(withRoutingEvent(encode(events), () => NOTE)!).split("\n\n");
  equal(first, `data: {"choices":[{}]}`);
  deepEqual(JSON.parse(note!.slice("data: ".length)), {
    object: "chat.completion.chunk",
    choices: [],
    _routing: NOTE,
  });
  deepEqual([done, rest], ["data: [DONE]", ""]);
});

Deno.test("events that are not the last ones pass as they are", () => {
  equal(withRoutingEvent(encode(`data: {"content":"data: [DONE]"}\n\n`), () => NOTE), undefined);
  equal(withRoutingEvent(encode(""), () => NOTE), undefined);
});

for (
  const [what, lines, isTold] of [
    ["the last line alone", `{"done":true,"eval_count":1}\n`, true],
    ["lines before it", `{"done":false}\n{"message":{"content":"x"},"done":true}\n`, true],
    ["a piece", `{"response":"x","done":false}\n`, false],
    ["an error", `{"error":"no"}\n`, false],
    [
      "a tool that is done",
      `{"message":{"tool_calls":[{"function":{"arguments":{"done":true}}}]},"done":false}\n`,
      false,
    ],
    ["nothing", "", false],
  ] as const
) {
  Deno.test(`${isTold ? "it is told in" : "nothing is told in"} ${what} of Ollama's`, () => {
    const told = withRoutingLine(encode(lines), () => NOTE);
    if (!isTold) return equal(told, undefined);
    const [given, wanted] = [decode(told!), lines].map((text) =>
      text.trimEnd().split("\n").map((line) => JSON.parse(line))
    );
    const { _routing, ...last } = given!.at(-1);
    deepEqual([_routing, ...given!.slice(0, -1), last], [NOTE, ...wanted!]);
  });
}
