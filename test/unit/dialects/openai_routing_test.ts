import { deepEqual, equal } from "node:assert/strict";
import { type RoutingNote, withRouting, withRoutingEvent } from "../../../lib/dialects/openai_routing.ts";

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
