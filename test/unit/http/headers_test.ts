import { deepEqual, equal } from "node:assert/strict";
import { endToEndHeaders, type HeaderList, headerValue } from "../../../lib/http/headers.ts";

const HEADERS: HeaderList = [
  ["Content-Type", "text/plain"],
  ["via", "a"],
  ["Via", "b"],
  ["x-empty", ""],
];

for (
  const { name, want } of [
    { name: "content-type", want: "text/plain" },
    { name: "via", want: "a, b" },
    { name: "x-empty", want: "" },
    { name: "x-none", want: undefined },
  ]
) {
  Deno.test(`headerValue() of ${name} is ${JSON.stringify(want)}`, () =>
    equal(headerValue(HEADERS, name), want));
}

Deno.test("endToEndHeaders() removes what concerns one connection, and what Connection names, in any case", () => {
  const kept: HeaderList = [["Content-Type", "text/plain"], ["authorization", "Bearer k"], ["x-trace", "1"]];
  const removed: HeaderList = [
    ["Connection", "Keep-Alive , X-Hop,"],
    ["connection", "x-hop-2"],
    ["X-Hop", "1"],
    ["x-hop-2", "1"],
    ["keep-alive", "timeout=5"],
    ["Transfer-Encoding", "chunked"],
    ["te", "trailers"],
    ["trailer", "x"],
    ["upgrade", "h2c"],
    ["proxy-connection", "close"],
    ["Proxy-Authorization", "Basic x"],
  ];
  deepEqual(endToEndHeaders([...removed, ...kept]), kept);
  deepEqual(endToEndHeaders(removed), []);
});
