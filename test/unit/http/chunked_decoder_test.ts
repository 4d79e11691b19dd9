import { deepEqual, equal, throws } from "node:assert/strict";
import { ChunkedDecoder } from "../../../lib/http/chunked_decoder.ts";
import { HttpLimitError, HttpSyntaxError } from "../../../lib/http/error.ts";
import { DEFAULT_HTTP_LIMITS } from "../../../lib/http/limits.ts";

const octets = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** Decodes the pieces one after another; what is left of the last one is `rest`. */
function decode(pieces: string[], limits = DEFAULT_HTTP_LIMITS) {
  const decoder = new ChunkedDecoder(limits);
  let payload = "";
  let rest = "";
  for (const piece of pieces) {
    const bytes = octets(piece);
    let at = 0;
    do {
      at = decoder.decode(bytes, at, bytes.byteLength);
      payload += String.fromCharCode(...bytes.subarray(decoder.payloadStart, decoder.payloadEnd));
    } while (at < bytes.byteLength && !decoder.complete);
    rest = piece.slice(at);
  }
  return { payload, rest, complete: decoder.complete, trailers: decoder.trailers };
}

for (
  const { name, body, payload, rest = "", trailers = [] } of [
    { name: "no chunk", body: "0\r\n\r\n", payload: "" },
    { name: "one chunk", body: "5\r\nhello\r\n0\r\n\r\n", payload: "hello" },
    { name: "many chunks", body: "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", payload: "abcdef" },
    {
      name: "sizes in any case, with leading zeros",
      body: "00A\r\n0123456789\r\n000\r\n\r\n",
      payload: "0123456789",
    },
    { name: "line ends in data", body: "4\r\n\r\n\r\n\r\n0\r\n\r\n", payload: "\r\n\r\n" },
    { name: "extensions", body: '1;a=b;c="\xe9;\t"\r\nx\r\n1 ; d\r\ny\r\n0;e\r\n\r\n', payload: "xy" },
    {
      name: "trailers",
      body: "1\r\nx\r\n0\r\nX-Sum: 1\r\nb:2\r\n\r\n",
      payload: "x",
      trailers: [["x-sum", "1"], ["b", "2"]],
    },
    { name: "bytes of the next answer", body: "1\r\nx\r\n0\r\n\r\nHTTP/1.1", payload: "x", rest: "HTTP/1.1" },
  ]
) {
  Deno.test(`ChunkedDecoder decodes ${name}, whole, cut anywhere and byte by byte`, () => {
    const want = { payload, complete: true, trailers, rest };
    deepEqual(decode([body]), want);
    for (let at = 0; at < body.length - rest.length; at++) {
      deepEqual(decode([body.slice(0, at), body.slice(at)]), want, `cut at ${at}`);
      equal(decode([body.slice(0, at)]).complete, false, `only ${at} bytes`);
    }
    deepEqual({ ...decode([...body]), rest }, want, "byte by byte");
  });
}

for (
  const body of [
    "\r\n",
    ";a\r\n",
    "g\r\n",
    "-1\r\n",
    "+1\r\n",
    "0x1\r\n",
    " 1\r\n",
    "1 \r\n",
    "1 2\r\n",
    "1\n",
    "1\rx",
    "1;a\n",
    "1;\x00\r\n",
    "1;\x7f\r\n",
    "1;a\rb",
    "20000000000000\r\n",
    "fffffffffffffffff\r\n",
    "1\r\nxx",
    "1\r\nx\n",
    "1\r\nx\r0",
    "1\r\nx0\r\n",
    "0\r\n\n",
    "0\r\na: b\n",
    "0\r\na : b\r\n\r\n",
    "0\r\na: b\r\n c\r\n\r\n",
    "0\r\na\r\n\r\n",
  ]
) {
  Deno.test(`ChunkedDecoder refuses ${JSON.stringify(body)}, whole and byte by byte`, () => {
    throws(() => decode([body]), HttpSyntaxError);
    throws(() => decode([...body]), HttpSyntaxError);
  });
}

for (
  const { name, body, limits } of [
    { name: "a size line", body: "0001;abc\r\n", limits: { chunkLineBytes: 8 } },
    { name: "zeros before a size", body: "000000001\r\n", limits: { chunkLineBytes: 8 } },
    { name: "blanks behind a size", body: `1${" ".repeat(8)};`, limits: { chunkLineBytes: 8 } },
    { name: "trailers", body: "0\r\nabc: d\r\n\r\n", limits: { trailerBytes: 9 } },
    { name: "trailer lines", body: "0\r\na:1\r\nb:2\r\n\r\n", limits: { headerCount: 1 } },
  ]
) {
  Deno.test(`ChunkedDecoder holds the limit on ${name}`, () => {
    throws(() => decode([body], { ...DEFAULT_HTTP_LIMITS, ...limits }), HttpLimitError);
    decode([body]); // allowed by default
  });
}

Deno.test("ChunkedDecoder gives out the payload before a fault, then throws at each call", () => {
  const decoder = new ChunkedDecoder(DEFAULT_HTTP_LIMITS);
  const bytes = octets("1\r\nx\r\nbroken");
  const at = decoder.decode(bytes, 0, bytes.byteLength);
  deepEqual([decoder.payloadEnd - decoder.payloadStart, bytes[at]], [1, "r".charCodeAt(0)]);
  for (let call = 0; call < 2; call++) {
    throws(() => decoder.decode(bytes, at, bytes.byteLength), HttpSyntaxError);
  }
});

Deno.test("ChunkedDecoder counts each size line anew", () => {
  const line = "1;abcdef\r\nx\r\n";
  const { payload } = decode([line.repeat(50)], { ...DEFAULT_HTTP_LIMITS, chunkLineBytes: 9 });
  equal(payload, "x".repeat(50));
});

Deno.test("ChunkedDecoder moves the payload of one read together and touches nothing outside of it", () => {
  const bytes = octets("<<1\r\na\r\n2\r\nbc\r\n0\r\n\r\n>>");
  const decoder = new ChunkedDecoder(DEFAULT_HTTP_LIMITS);
  equal(decoder.decode(bytes, 2, bytes.byteLength), bytes.byteLength - 2);
  equal(String.fromCharCode(...bytes.subarray(decoder.payloadStart, decoder.payloadEnd)), "abc");
  deepEqual([String.fromCharCode(...bytes.subarray(0, 2)), String.fromCharCode(...bytes.subarray(-2))], [
    "<<",
    ">>",
  ]);
});
