import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { passedMessage, PassingMessages } from "../../../lib/dialects/anthropic_passing.ts";
import { watchFor } from "../../../lib/dialects/watch_for.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";
import { recordedMessages } from "../../fixtures/recorded_chat.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const TERMS = { requestId: "r1", model: undefined };

/** What the client gets for a stream that comes in these pieces. */
function passed(pieces: readonly Uint8Array[], model?: string): string {
  const [watch, messages] = [watchFor("anthropic"), new PassingMessages({ ...TERMS, model })];
  const parts = pieces.map((piece) => decode(messages.push(watch.push(piece))));
  return parts.join("") + decode(messages.end());
}

function typesIn(stream: string): string[] {
  return new SseReader().push(encode(stream)).map(({ type, data }) => {
    const { index, delta } = JSON.parse(data);
    return [type, index, delta?.type].filter((part) => part !== undefined).join(" ");
  });
}

Deno.test("a stream passes byte for byte where it is as Anthropic has it", () => {
  const stream = decode(recordedMessages("stop_sequence.sse"));
  const same = stream.replace('"stop_reason":"end_turn"', '"stop_reason":"stop_sequence"');
  equal(passed([encode(stream)]), same);
  equal(passed([encode(same)]), same);
});

Deno.test("the model is named as the client named it", () => {
  const stream = passed([recordedMessages("stop_sequence.sse")], "qwen");
  ok(stream.includes('"model":"qwen"'));
  ok(!stream.includes('"tiny"'));
});

Deno.test("thoughts end before the text begins", () => {
  deepEqual(typesIn(passed([recordedMessages("thinking.sse")])), [
    "message_start",
    "content_block_start 0",
    "content_block_delta 0 thinking_delta",
    "content_block_delta 0 signature_delta",
    "content_block_stop 0",
    "content_block_start 1",
    ...new Array(5).fill("content_block_delta 1 text_delta"),
    "content_block_stop 1",
    "message_delta",
    "message_stop",
  ]);
});

Deno.test("a call begins with empty arguments, thoughts with an empty signature", () => {
  ok(passed([recordedMessages("tool_use.sse")]).includes('"content_block":{"input":{},"type":"tool_use"'));
  ok(
    passed([recordedMessages("thinking.sse")]).includes('"content_block":{"signature":"","type":"thinking"'),
  );
});

Deno.test("calls that end together end one behind the other, and only once", () => {
  const event = (type: string, said: Record<string, unknown>) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...said })}\n\n`;
  const call = (index: number) =>
    [
      event("content_block_start", {
        index,
        content_block: { type: "tool_use", id: "t", name: "f", input: {} },
      }),
      event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: "{}" } }),
    ].join("");
  const stops = [0, 1, 2].map((index) => event("content_block_stop", { index })).join("");
  deepEqual(typesIn(passed([encode(`${call(0)}${call(1)}${call(2)}${stops}`)])), [
    ...[0, 1, 2].flatMap((index) => [
      `content_block_start ${index}`,
      `content_block_delta ${index} input_json_delta`,
      `content_block_stop ${index}`,
    ]),
  ]);
});

Deno.test("an error of llama-server's is told as Anthropic's, and nothing means success", () => {
  const stream = passed([recordedMessages("error.sse")]);
  const [last] = new SseReader().push(encode(stream)).slice(-1);
  equal(last!.type, "error");
  deepEqual(JSON.parse(last!.data), {
    type: "error",
    error: { type: "api_error", message: "Compute error." },
    request_id: "r1",
  });
  ok(!stream.includes("message_stop"));
});

for (const name of ["tool_use", "thinking", "stop_sequence", "error"]) {
  Deno.test(`the recorded stream "${name}" is told the same wherever it is cut`, () => {
    const bytes = recordedMessages(`${name}.sse`);
    const whole = passed([bytes], "qwen");
    for (let at = 0; at <= bytes.byteLength; at++) {
      equal(passed([bytes.subarray(0, at), bytes.subarray(at)], "qwen"), whole, `cut at ${at}`);
    }
    equal(passed([...bytes].map((byte) => Uint8Array.of(byte)), "qwen"), whole);
  });
}

Deno.test("what a model writes is never taken for an event or an end", () => {
  const text = JSON.stringify('event: error\ndata: {"delta":{"type":"signature_delta"');
  const stream =
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${text}}}\n\n`;
  equal(passed([encode(stream)]), stream);
});

Deno.test("pings and comments pass", () => {
  const stream = ':\n\nevent: ping\ndata: {"type":"ping"}\n\n';
  equal(passed([encode(stream)]), stream);
});

for (
  const stream of [
    "event: content_block_start\n\n",
    "event: content_block_start\ndata: {\n\n",
    "event: content_block_start\ndata: 5\n\n",
    'event: content_block_start\ndata: {"index":0}\n\n',
    "event: content_block_stop\n\n",
    "event: message_delta\ndata: {}\n\n",
    "event: message_delta\n\n",
  ]
) {
  Deno.test(`an event is not understood that is ${JSON.stringify(stream)}`, () => {
    throws(() => new PassingMessages(TERMS).push(encode(stream)), SyntaxError);
  });
}

Deno.test("an error without words is one all the same", () => {
  const stream = decode(new PassingMessages(TERMS).push(encode("event: error\n\n")));
  ok(stream.startsWith('event: error\ndata: {"type":"error"'), stream);
});

Deno.test("a whole answer passes byte for byte, but for the model's name", () => {
  const answer = recordedMessages("tool_use.json");
  equal(decode(passedMessage(answer, { model: undefined, begun: "" })), decode(answer));
  equal(
    decode(passedMessage(answer, { model: "qwen", begun: "" })),
    decode(answer).replace('"tiny"', '"qwen"'),
  );
});

Deno.test("a whole answer leaves out what it was to go on from, and says that a stop sequence ended it", () => {
  const said = JSON.parse(
    decode(passedMessage(recordedMessages("begun.json"), { model: "qwen", begun: "well" })),
  );
  deepEqual(said.content, [{ type: "text", text: " sam" }]);
  deepEqual([said.model, said.stop_reason, said.stop_sequence], ["qwen", "stop_sequence", "e"]);
  const other = passedMessage(recordedMessages("begun.json"), { model: "qwen", begun: "other" });
  deepEqual(JSON.parse(decode(other)).content, [{ type: "text", text: "well sam" }]);
});

for (const answer of ["{", "[]", "null", '"x"', "{}", '{"content":"x"}']) {
  Deno.test(`a whole answer is not understood that is ${answer}`, () => {
    throws(() => passedMessage(encode(answer), { model: "m", begun: "x" }), SyntaxError);
  });
}
