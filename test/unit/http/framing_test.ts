import { deepEqual, equal, throws } from "node:assert/strict";
import { HttpSyntaxError } from "../../../lib/http/error.ts";
import { type BodyPlan, planBody } from "../../../lib/http/framing.ts";
import type { HeaderList } from "../../../lib/http/headers.ts";

const plan = (headers: HeaderList, { method = "GET", status = 200, minorVersion = 1 } = {}): BodyPlan =>
  planBody(method, { minorVersion, status, reason: "", headers });

const CHUNKED = ["transfer-encoding", "chunked"] as const;
const length = (value: string): readonly [string, string] => ["content-length", value];

for (
  const { name, headers, answer = {}, want } of [
    { name: "a length", headers: [length("5")], want: { framing: "length", lengthBytes: 5 } },
    { name: "a length of 0", headers: [length("0")], want: { framing: "none" } },
    {
      name: "the same length twice",
      headers: [length("5"), length("5")],
      want: { framing: "length", lengthBytes: 5 },
    },
    {
      name: "2⁵³ − 1 bytes",
      headers: [length("9007199254740991")],
      want: { lengthBytes: Number.MAX_SAFE_INTEGER },
    },
    { name: "chunks", headers: [CHUNKED], want: { framing: "chunked", reusableMs: Infinity } },
    { name: "Chunks", headers: [["transfer-encoding", "Chunked"]], want: { framing: "chunked" } },
    { name: "neither", headers: [], want: { framing: "close", reusableMs: 0 } },
    { name: "neither, in HTTP/1.0", headers: [], answer: { minorVersion: 0 }, want: { framing: "close" } },
    {
      name: "HEAD",
      headers: [length("5")],
      answer: { method: "HEAD" },
      want: { framing: "none", reusableMs: Infinity },
    },
    { name: "HEAD with chunks", headers: [CHUNKED], answer: { method: "HEAD" }, want: { framing: "none" } },
    {
      name: "304",
      headers: [length("5")],
      answer: { status: 304 },
      want: { framing: "none", reusableMs: Infinity },
    },
    { name: "204", headers: [], answer: { status: 204 }, want: { framing: "none", reusableMs: Infinity } },
    {
      name: "204 with a body",
      headers: [length("5")],
      answer: { status: 204 },
      want: { framing: "none", reusableMs: 0 },
    },
    {
      name: "204 with chunks",
      headers: [CHUNKED],
      answer: { status: 204 },
      want: { framing: "none", reusableMs: 0 },
    },
  ] as { name: string; headers: HeaderList; answer?: Parameters<typeof plan>[1]; want: Partial<BodyPlan> }[]
) {
  Deno.test(`planBody() of an answer with ${name}`, () => {
    const got = plan(headers, answer);
    deepEqual({ ...got, ...want }, got);
  });
}

for (
  const { name, headers, minorVersion = 1 } of [
    { name: "length and chunks", headers: [length("5"), CHUNKED] },
    { name: "two lengths", headers: [length("5"), length("6")] },
    { name: "two spellings of one length", headers: [length("5"), length("05")] },
    ...["", "-1", "+5", "5, 5", "0x5", "5 5", "5.0", "1e3", "٥", "9007199254740992", "9".repeat(400)]
      .map((value) => ({ name: `length "${value.slice(0, 20)}"`, headers: [length(value)] })),
    ...[
      "",
      "gzip",
      "gzip, chunked",
      "chunked, gzip",
      "chunked, chunked",
      "xchunked",
      "identity",
      "chunked;q=1",
    ]
      .map((coding) => ({
        name: `coding "${coding}"`,
        headers: [["transfer-encoding", coding]] as HeaderList,
      })),
    { name: "chunks announced twice", headers: [CHUNKED, CHUNKED] },
    { name: "chunks in HTTP/1.0", headers: [CHUNKED], minorVersion: 0 },
  ] as { name: string; headers: HeaderList; minorVersion?: number }[]
) {
  Deno.test(`planBody() refuses ${name}, also for HEAD`, () => {
    throws(() => plan(headers, { minorVersion }), HttpSyntaxError);
    throws(() => plan(headers, { minorVersion, method: "HEAD" }), HttpSyntaxError);
  });
}

for (
  const { headers, minorVersion = 1, want } of [
    { headers: [], want: Infinity },
    { headers: [["connection", "keep-alive"]], want: Infinity },
    { headers: [["connection", "X-Trace, Close"]], want: 0 },
    { headers: [["connection", "keep-alive"], ["connection", "close"]], want: 0 },
    { headers: [["connection", "keep-alive"]], minorVersion: 0, want: 0 },
    { headers: [["keep-alive", "timeout=5, max=100"]], want: 4_000 },
    { headers: [["keep-alive", "max=100, timeout=5"]], want: 4_000 },
    { headers: [["keep-alive", "timeout=1"]], want: 0 },
    { headers: [["keep-alive", "xtimeout=1"]], want: Infinity },
  ] as { headers: HeaderList; minorVersion?: number; want: number }[]
) {
  Deno.test(`planBody() lets a connection rest ${want} ms after HTTP/1.${minorVersion} ${JSON.stringify(headers)}`, () => {
    equal(plan([...headers, length("5")], { minorVersion }).reusableMs, want);
  });
}
