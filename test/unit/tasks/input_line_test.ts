import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeInputLine, InputLineError } from "../../../lib/tasks/input_line.ts";

const encoder = new TextEncoder();
const GOOD = { custom_id: "a", method: "POST", url: "/v1/embeddings", body: { model: "m", input: "x" } };

function decode(line: string | Uint8Array) {
  return decodeInputLine(typeof line === "string" ? encoder.encode(line) : line, "/v1/embeddings");
}

function codeOf(line: string | Uint8Array): string | undefined {
  try {
    decode(line);
    return undefined;
  } catch (error) {
    if (!(error instanceof InputLineError)) throw error;
    return error.code;
  }
}

Deno.test("decodeInputLine() gives the id, the model and the body", () => {
  const { customId, model, body } = decode(JSON.stringify(GOOD))!;
  deepEqual([customId, model, JSON.parse(new TextDecoder().decode(body))], ["a", "m", GOOD.body]);
});

Deno.test("decodeInputLine() leaves every byte of the body as it is", () => {
  const said = `{ "seed":9007199254740993,"big":1e400, "a":1.0,"a":"}\\"{", "body":[{"body":{}}] }`;
  const line = (body: string) =>
    `\ufeff {"body":{"model":"x"},"custom_id":"a\\"","method":"POST", "body" :\t${body} ,"url":"/v1/embeddings"}\r`;
  const { body, customId } = decode(line(said))!;
  deepEqual([new TextDecoder().decode(body), customId], [said, 'a"']);
  equal(new TextDecoder().decode(decode(line("{}"))!.body), "{}");
});

for (
  const { name, change } of [
    { name: "other fields", change: { extra: [1] } },
    { name: "no model", change: { body: {} } },
    { name: "a stream that is not wanted", change: { body: { stream: false } } },
    { name: "an id of 512 characters", change: { custom_id: "ä".repeat(512) } },
  ]
) {
  Deno.test(`decodeInputLine() takes ${name}`, () => {
    equal(codeOf(JSON.stringify({ ...GOOD, ...change })), undefined);
  });
}

for (const blank of ["", " ", "\r", "\t \r", "\ufeff", "\ufeff\r"]) {
  Deno.test(`decodeInputLine() skips ${JSON.stringify(blank)}`, () => equal(decode(blank), undefined));
}

for (
  const { name, change, code } of [
    { name: "no custom_id", change: { custom_id: undefined }, code: "missing_required_parameter" },
    { name: "an empty custom_id", change: { custom_id: "" }, code: "invalid_custom_id" },
    { name: "a number for a custom_id", change: { custom_id: 7 }, code: "invalid_custom_id" },
    {
      name: "a custom_id of 513 characters",
      change: { custom_id: "x".repeat(513) },
      code: "invalid_custom_id",
    },
    { name: "a custom_id with NUL", change: { custom_id: "a\0b" }, code: "invalid_custom_id" },
    { name: "half a character in the custom_id", change: { custom_id: "\ud800" }, code: "invalid_custom_id" },
    { name: "no method", change: { method: undefined }, code: "missing_required_parameter" },
    { name: "another method", change: { method: "GET" }, code: "invalid_method" },
    { name: "a method in lower case", change: { method: "post" }, code: "invalid_method" },
    { name: "no url", change: { url: undefined }, code: "missing_required_parameter" },
    { name: "the url of another endpoint", change: { url: "/v1/chat/completions" }, code: "invalid_url" },
    { name: "the url of another host", change: { url: "http://169.254.169.254/" }, code: "invalid_url" },
    { name: "no body", change: { body: undefined }, code: "missing_required_parameter" },
    { name: "a list for a body", change: { body: [] }, code: "invalid_body" },
    { name: "null for a body", change: { body: null }, code: "invalid_body" },
    { name: "text for a body", change: { body: "{}" }, code: "invalid_body" },
    { name: "a stream", change: { body: { stream: true } }, code: "invalid_body" },
  ]
) {
  Deno.test(`decodeInputLine() refuses ${name}`, () =>
    equal(codeOf(JSON.stringify({ ...GOOD, ...change })), code));
}

for (
  const line of ["{", "null", "[]", "7", '"a"', "{}{}", "{'a':1}", '{"custom_id":"a\0"}', "[".repeat(100_000)]
) {
  Deno.test(`decodeInputLine() refuses ${JSON.stringify(line.slice(0, 30))}`, () => {
    equal(codeOf(line), "invalid_json_line");
  });
}

for (const bytes of [[0xff, 0xfe, 0x7b, 0x00], [0x22, 0xc3, 0x22], [0x80], [0xed, 0xa0, 0x80]]) {
  Deno.test(`decodeInputLine() refuses the bytes ${bytes}`, () =>
    equal(codeOf(new Uint8Array(bytes)), "invalid_utf8"));
}

Deno.test("decodeInputLine() says what is wrong in few words, however long the line is", () => {
  throws(() => decode(`{"a": ${"x".repeat(1_000_000)}`), (error: Error) => error.message.length < 300);
});
