import { deepEqual, equal, throws } from "node:assert/strict";
import { HttpLimitError, HttpSyntaxError } from "../../../lib/http/error.ts";
import { DEFAULT_HTTP_LIMITS } from "../../../lib/http/limits.ts";
import { findHeadEnd, parseResponseHead, type ResponseHead } from "../../../lib/http/response_head.ts";

const octets = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

function parse(text: string, limits = DEFAULT_HTTP_LIMITS): ResponseHead {
  const bytes = octets(text);
  const end = findHeadEnd(bytes, 0, 0, bytes.byteLength);
  equal(end, bytes.byteLength, "the head ends where it should");
  return parseResponseHead(bytes, limits);
}

Deno.test("parseResponseHead() gives status, reason and headers, names lower-case, values trimmed", () => {
  deepEqual(parse("HTTP/1.1 404 Not Found\r\nContent-Type:text/plain\r\nX-A:\t b  c \t\r\nx-a:\r\n\r\n"), {
    minorVersion: 1,
    status: 404,
    reason: "Not Found",
    headers: [["content-type", "text/plain"], ["x-a", "b  c"], ["x-a", ""]],
  });
});

for (
  const { name, line, want } of [
    { name: "an empty reason", line: "HTTP/1.0 200 ", want: { minorVersion: 0, status: 200, reason: "" } },
    { name: "octets above ASCII", line: "HTTP/1.1 599 \xe9\x80", want: { status: 599, reason: "\xe9\x80" } },
    { name: "a tab in the reason", line: "HTTP/1.1 100 a\tb", want: { status: 100, reason: "a\tb" } },
  ]
) {
  Deno.test(`parseResponseHead() accepts ${name}`, () => {
    deepEqual({ ...parse(`${line}\r\n\r\n`), ...want }, parse(`${line}\r\n\r\n`));
  });
}

Deno.test("parseResponseHead() keeps octets above ASCII as Latin-1, also U+00A0 at a value's end", () => {
  deepEqual(parse("HTTP/1.1 200 OK\r\nx: \x80\xff\xa0 \r\n\r\n").headers, [["x", "\x80\xff\xa0"]]);
});

for (
  const line of [
    "HTTP/1.1 200",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1 600 OK",
    "HTTP/1.1 2x0 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1.11 200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 200 O\x00K",
    "HTTP/1.1 200 O\x7fK",
    "HTTP/1.1 200 O\rK",
    "HTTP/1.1 200 OK\r\n folded: no",
    "HTTP/1.1 200 OK\r\na: b\r\n c",
    "HTTP/1.1 200 OK\r\na: b\r\n\tc",
    "HTTP/1.1 200 OK\r\na : b",
    "HTTP/1.1 200 OK\r\na\t: b",
    "HTTP/1.1 200 OK\r\n: b",
    "HTTP/1.1 200 OK\r\nno colon",
    "HTTP/1.1 200 OK\r\na(b): c",
    "HTTP/1.1 200 OK\r\n\xe9: c",
    "HTTP/1.1 200 OK\r\na: b\x00c",
    "HTTP/1.1 200 OK\r\na: b\rc",
    "HTTP/1.1 200 OK\r\na: b\x1bc",
    "HTTP/1.1 200 OK\r\na: b\x7fc",
    "HTTP/1.1 200 OK\r\n\ra: b",
  ]
) {
  Deno.test(`parseResponseHead() refuses ${JSON.stringify(line)}`, () => {
    throws(() => parse(`${line}\r\n\r\n`), HttpSyntaxError);
  });
}

for (
  const text of [
    "HTTP/2 200",
    "http/1.1 200 OK",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "\r\nHTTP/1.1 200 OK",
    "\x15\x03\x01",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 OK\r\na: b\n",
    "HTTP/1.1 200 OK\r\n\n",
  ]
) {
  Deno.test(`findHeadEnd() refuses ${JSON.stringify(text)} without waiting for more`, () => {
    throws(() => findHeadEnd(octets(text), 0, 0, text.length), HttpSyntaxError);
  });
}

Deno.test("findHeadEnd() finds the end wherever an earlier call left off, and never reads beyond `end`", () => {
  const head = "HTTP/1.1 200 OK\r\na: b\r\n\r\n";
  const bytes = octets(`junk${head}\n\n`);
  for (let left = 4; left < 4 + head.length; left++) {
    equal(findHeadEnd(bytes, 4, 4, left), -1);
    equal(findHeadEnd(bytes, 4, left, 4 + head.length), 4 + head.length, `left off at ${left}`);
  }
});

Deno.test("parseResponseHead() holds the limits on status line and header count, to the byte", () => {
  const limits = { ...DEFAULT_HTTP_LIMITS, statusLineBytes: 15, headerCount: 2 };
  equal(parse("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\n\r\n", limits).headers.length, 2);
  throws(() => parse("HTTP/1.1 200 OKE\r\n\r\n", limits), HttpLimitError);
  throws(() => parse("HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", limits), HttpLimitError);
});

Deno.test("parseResponseHead() takes a value of blanks in linear time", () => {
  deepEqual(parse(`HTTP/1.1 200 OK\r\na: x${" ".repeat(65_000)}y\r\n\r\n`).headers[0]![1].length, 65_002);
});
