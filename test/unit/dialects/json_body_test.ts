import { deepEqual, equal, throws } from "node:assert/strict";
import { readJsonBody } from "../../../lib/dialects/json_body.ts";

const encode = (text: string) => new TextEncoder().encode(text);

for (
  const { name, body, message } of [
    { name: "nothing", body: encode(""), message: /missing request body; send a JSON object with a model/ },
    { name: "no JSON", body: encode("{"), message: /not valid JSON/ },
    { name: "a key without its quote's end", body: encode(`{"a`), message: /not valid JSON/ },
    { name: "bytes that are no UTF-8", body: Uint8Array.of(0x7b, 0xff, 0x7d), message: /not valid UTF-8/ },
    { name: "a byte order mark", body: encode("\ufeff{}"), message: /begins with a byte order mark/ },
    { name: "a list", body: encode("[]"), message: /must be a JSON object with a model/ },
    { name: "null", body: encode("null"), message: /must be a JSON object/ },
    { name: "a text", body: encode(`"{}"`), message: /must be a JSON object/ },
    {
      name: "an object with a Model",
      body: encode(`{"model":"a","Model":"b"}`),
      message: /in lower case, got "Model"/,
    },
    { name: "an object with an escaped MODEL", body: encode(`{"\\u004dODEL":"b"}`), message: /got "MODEL"/ },
    { name: "201 lists in each other", body: nested(200), message: /nested deeper than 200/ },
    { name: "a million lists in each other", body: nested(1_000_000), message: /nested deeper than 200/ },
  ]
) {
  Deno.test(`a body is refused that is ${name}`, () => {
    throws(() => readJsonBody(body, "a model"), { code: "invalid_request", message });
  });
}

Deno.test("a body may hold 200 lists in each other, and any number beside each other", () => {
  readJsonBody(nested(199), "a model");
  readJsonBody(encode(`{"a":[${"[],".repeat(1_000)}[]]}`), "a model");
});

Deno.test("brackets inside of text count for nothing, whatever stands before its quotes", () => {
  const text = "[{".repeat(500);
  for (const said of [text, `\\${text}`, `"${text}`, `\\"${text}\\`]) {
    deepEqual(readJsonBody(encode(JSON.stringify({ [said]: said })), "a model"), { [said]: said });
  }
});

Deno.test("NUL, lone surrogates and a key that comes again are read as JSON has them", () => {
  const said = readJsonBody(encode(`{"a":"\\u0000\\ud800","b":1,"b":2}`), "a model");
  deepEqual(said, { a: "\0\ud800", b: 2 });
});

Deno.test("a text of ten million characters is read", () => {
  equal((readJsonBody(encode(`{"a":"${"x".repeat(1e7)}"}`), "a model").a as string).length, 1e7);
});

function nested(depth: number): Uint8Array {
  return encode(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
}

Deno.test("Model in any case may stand where it is no field of the request", () => {
  const said = { model: "a", options: { Model: 1 }, messages: [{ MODEL: 2 }], models: [], mode: 1 };
  deepEqual(readJsonBody(encode(JSON.stringify(said)), "a model"), said);
});
