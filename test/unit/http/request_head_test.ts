import { deepEqual, equal, throws } from "node:assert/strict";
import { formatRequestHead, packRequest, type RequestMessage } from "../../../lib/http/request_head.ts";

const format = (request: Partial<RequestMessage>, { host = "h", close = false } = {}): string =>
  formatRequestHead({ method: "GET", target: "/", ...request }, host, close);

for (
  const { name, request, options = {}, want } of [
    { name: "a GET", request: {}, want: "GET / HTTP/1.1\r\nHost: h\r\n\r\n" },
    {
      name: "an IPv6 host",
      request: {},
      options: { host: "[::1]:80" },
      want: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    },
    {
      name: "a request that closes",
      request: {},
      options: { close: true },
      want: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    },
    {
      name: "an empty POST",
      request: { method: "POST" },
      want: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    },
    {
      name: "OPTIONS *",
      request: { method: "OPTIONS", target: "*" },
      want: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    },
    {
      name: "a POST with headers",
      request: {
        method: "POST",
        target: "/a?b=%0A",
        headers: [["X-A", "1"], ["x-a", "\xe9\t2"]],
        body: new Uint8Array(7),
      },
      want: "POST /a?b=%0A HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: \xe9\t2\r\nContent-Length: 7\r\n\r\n",
    },
    {
      name: "no header that would contradict our framing",
      request: {
        headers: [
          ["HOST", "evil"],
          ["Content-Length", "9"],
          ["transfer-encoding", "chunked"],
          ["Expect", "100-continue"],
          ["connection", "upgrade"],
          ["te", "trailers"],
        ],
      },
      want: "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    },
  ] as {
    name: string;
    request: Partial<RequestMessage>;
    options?: Parameters<typeof format>[1];
    want: string;
  }[]
) {
  Deno.test(`formatRequestHead() writes ${name}`, () => equal(format(request, options), want));
}

for (
  const request of [
    { method: "" },
    { method: "GET " },
    { method: "G\r\nET" },
    { method: "CONNECT" },
    { target: "" },
    { target: "v1/models" },
    { target: "http://other/" },
    { target: "/a b" },
    { target: "/a\r\nX: y" },
    { target: "/a\0" },
    { target: "/é" },
    { headers: [["a b", "c"]] },
    { headers: [["a:", "c"]] },
    { headers: [["", "c"]] },
    { headers: [["a\r\n", "c"]] },
    { headers: [["a", "secret\r\nX: y"]] },
    { headers: [["a", "secret\n"]] },
    { headers: [["a", "secret\0"]] },
    { headers: [["a", "secret€"]] },
  ] as Partial<RequestMessage>[]
) {
  Deno.test(`formatRequestHead() refuses ${JSON.stringify(request)}`, () => {
    throws(
      () => format(request),
      (error: Error) => error instanceof TypeError && !/secret/.test(error.message),
    );
  });
}

Deno.test("formatRequestHead() refuses a line break in the host", () => {
  throws(() => format({}, { host: "h\r\nX: y" }), TypeError);
});

const OUTBOX_BYTES = 64;

for (
  const { name, head, bodyBytes, inOutbox } of [
    { name: "a small request", head: "abc", bodyBytes: 5, inOutbox: true },
    { name: "a request without a body", head: "abc", bodyBytes: 0, inOutbox: true },
    { name: "a request that just fits the outbox", head: "abcd", bodyBytes: 60, inOutbox: true },
    { name: "a request that does not", head: "abcd", bodyBytes: 61, inOutbox: false },
    { name: "octets above ASCII", head: "a\xe9\xff", bodyBytes: 5, inOutbox: true },
    {
      name: "octets above ASCII that would not fit as UTF-8",
      head: "\xe9".repeat(64),
      bodyBytes: 0,
      inOutbox: true,
    },
  ]
) {
  Deno.test(`packRequest() joins head and body of ${name}`, () => {
    const outbox = new Uint8Array(OUTBOX_BYTES).fill(0x7a);
    const body = bodyBytes > 0 ? new Uint8Array(bodyBytes).fill(0x62) : undefined;
    const { first, rest } = packRequest(head, body, outbox);
    equal(rest, undefined);
    deepEqual([...first].map((octet) => String.fromCharCode(octet)).join(""), head + "b".repeat(bodyBytes));
    equal(first.buffer === outbox.buffer, inOutbox);
  });
}

Deno.test("packRequest() does not copy a large body", () => {
  const body = new Uint8Array(1_000_000);
  const { first, rest } = packRequest("abc", body, new Uint8Array(OUTBOX_BYTES));
  equal(first.byteLength, 3);
  equal(rest, body);
});
