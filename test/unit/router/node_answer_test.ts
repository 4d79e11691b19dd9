import { deepEqual, doesNotThrow, equal, match, rejects, throws } from "node:assert/strict";
import type { HttpResponse } from "../../../lib/http/client.ts";
import { HttpError } from "../../../lib/http/error.ts";
import {
  messageIn,
  NodeRefusal,
  type NodeRefusalKind,
  requireAnswer,
  requireBeginning,
  requireJson,
} from "../../../lib/router/node_answer.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** An answer whose body is there; `isCancelled` once nobody reads it any more. */
function answer(status: number, headers: Record<string, string>, body: string | Error = "") {
  const told = { isCancelled: false };
  const bytes = () => body instanceof Error ? Promise.reject(body) : Promise.resolve(encode(body));
  const response: HttpResponse = {
    status,
    reason: "",
    headers: Object.entries(headers),
    body: {
      framing: "length",
      ended: "open",
      trailers: [],
      read: () => Promise.reject(new Error("it is read whole")),
      bytes,
      text: () => Promise.reject(new Error("it is read whole")),
      cancel: () => {
        told.isCancelled = true;
      },
    },
  };
  return { response, told };
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

for (
  const { status, type, stream } of [
    { status: 200, type: "application/json", stream: false },
    { status: 201, type: "Application/JSON; charset=utf-8", stream: false },
    { status: 200, type: "application/json", stream: true },
    { status: 200, type: "text/event-stream; charset=utf-8", stream: true },
    { status: 400, type: "text/plain", stream: false },
    { status: 413, type: "text/html", stream: true },
    { status: 422, type: "", stream: true },
  ]
) {
  Deno.test(`${status} ${type} is the client's${stream ? ", who wants a stream" : ""}`, async () => {
    const { response, told } = answer(status, { "content-type": type });
    await requireAnswer(response, { stream });
    equal(told.isCancelled, false);
  });
}

const OPENAI = (message: string) => JSON.stringify({ error: { message, type: "api_error" } });
const OLLAMA = (error: string) => JSON.stringify({ error });

const REFUSALS: readonly {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly kind: NodeRefusalKind;
  readonly says: RegExp;
  readonly isForClient?: boolean;
}[] = [
  { status: 200, kind: "nonsense", says: /content of the type none/ },
  { status: 200, headers: { "content-type": "text/html" }, kind: "nonsense", says: /of the type text\/html/ },
  { status: 200, headers: { "content-type": "text/event-stream" }, kind: "nonsense", says: /event-stream/ },
  { status: 302, headers: { location: "http://169.254.169.254/" }, kind: "nonsense", says: /^answered 302/ },
  { status: 401, body: OLLAMA("unauthorized"), kind: "unable", says: /refuses us \(401: unauthorized\)/ },
  { status: 403, kind: "unable", says: /refuses us \(403\); see api_key/ },
  { status: 404, body: "404 page not found", kind: "unable", says: /update its Ollama/ },
  {
    status: 404,
    body: OPENAI("model 'a' not found"),
    kind: "missing",
    says: /^lists the model, but answered 404: it has not got it$/,
  },
  {
    status: 404,
    body: OLLAMA(`model "a" not found, try pulling it first`),
    kind: "missing",
    says: /has not got/,
  },
  { status: 429, body: OPENAI("slow down"), kind: "busy", says: /\(429: slow down\)/, isForClient: true },
  { status: 503, kind: "busy", says: /too much to do \(503\)/ },
  { status: 500, body: OPENAI("no"), kind: "failed", says: /^answered 500: no$/, isForClient: true },
  { status: 500, body: "<html>", kind: "failed", says: /^answered 500$/ },
  { status: 501, body: OLLAMA("no embeddings"), kind: "unable", says: /501: no emb/, isForClient: true },
  {
    status: 500,
    body: OLLAMA("model requires more system memory (9.0 GiB) than is available (1.0 GiB)"),
    kind: "too large",
    says: /9\.0 GiB/,
  },
  { status: 500, body: OLLAMA("cudaMalloc failed: out of memory"), kind: "too large", says: /cudaMalloc/ },
];

for (const { status, headers = JSON_TYPE, body = "", kind, says, isForClient = false } of REFUSALS) {
  const given = status < 300 && headers === JSON_TYPE ? {} : headers;
  Deno.test(`${status} with ${JSON.stringify(body.slice(0, 40))} is "${kind}"`, async () => {
    const { response } = answer(status, given, body);
    await rejects(requireAnswer(response, { stream: false }), (refusal) => {
      if (!(refusal instanceof NodeRefusal)) throw refusal;
      match(refusal.message, says);
      deepEqual([refusal.kind, refusal.isForClient], [kind, isForClient]);
      return true;
    });
  });
}

Deno.test("what is not read is cancelled", async () => {
  for (const [status, type] of [[200, "text/html"], [307, ""]] as const) {
    const { response, told } = answer(status, { "content-type": type });
    await rejects(requireAnswer(response, { stream: false }), NodeRefusal);
    equal(told.isCancelled, true);
  }
});

Deno.test("a refusal that is too long is nonsense; one that breaks off is told as it is", async () => {
  const facts = { phase: "body", sent: true, answered: true } as const;
  const long = answer(500, {}, new HttpError("too much", { ...facts, kind: "too_large" }));
  await rejects(
    requireAnswer(long.response, { stream: false }),
    /^NodeRefusal: answered 500, and more than 1\.00 MiB/,
  );
  const cut = new HttpError("cut", { ...facts, kind: "reset" });
  await rejects(requireAnswer(answer(500, {}, cut).response, { stream: false }), cut);
});

for (
  const { said, pauseMs } of [
    { said: undefined, pauseMs: 1_000 },
    { said: "0", pauseMs: 100 },
    { said: "7", pauseMs: 7_000 },
    { said: " 7 ", pauseMs: 7_000 },
    { said: "999999", pauseMs: 300_000 },
    { said: "-5", pauseMs: 1_000 },
    { said: "1e9", pauseMs: 1_000 },
    { said: "99999999999999999999", pauseMs: 1_000 },
    { said: "Wed, 21 Oct 2026 07:28:00 GMT", pauseMs: 1_000 },
  ]
) {
  Deno.test(`Retry-After: ${said} is a pause of ${pauseMs} ms`, async () => {
    const { response } = answer(429, said === undefined ? {} : { "retry-after": said });
    await rejects(requireAnswer(response, { stream: false }), { kind: "busy", pauseMs });
  });
}

for (const body of ["", "null", "[]", "5", `"text"`, "{", "<html>", "\xff"]) {
  Deno.test(`${JSON.stringify(body)} is no whole answer`, () => {
    throws(() => requireJson({ status: 200, headers: [] }, encode(body)), { kind: "nonsense" });
  });
}

for (const error of [`"x"`, `{"message":"x"}`, "{}", "5", `""`]) {
  Deno.test(`{"error":${error}} is an error, whatever its status`, () => {
    throws(() => requireJson({ status: 200, headers: [] }, encode(`{"error":${error}}`)), { kind: "failed" });
  });
}

Deno.test("null in place of an error is none", () => {
  deepEqual(requireJson({ status: 200, headers: [] }, encode(`{"error":null}`)), { error: null });
});

const HEAD = { status: 200, headers: [] };
const CRASH = `data: {"id":"x","model":"","choices":[{"index":0,"delta":{"content":""}}]}\n\n`;

for (
  const { name, events, says } of [
    { name: "the chunk of a crash", events: CRASH, says: /lost the process/ },
    { name: "a crash behind tokens", events: `data: {"model":"a","choices":[]}\n\n${CRASH}`, says: /lost/ },
    { name: "an error", events: `data: {"error":{"message":"x"}}\n\n`, says: /200 with an error inside: x$/ },
    { name: "an error without a space", events: `data:{"error":"x"}\r\n\r\n`, says: /error inside: x$/ },
  ]
) {
  Deno.test(`${name} is no beginning`, () => {
    throws(() => requireBeginning(HEAD, encode(events)), (thrown) => {
      match((thrown as NodeRefusal).message, says);
      return true;
    });
  });
}

for (
  const { name, events } of [
    {
      name: "a role",
      events: `data: {"model":"a","choices":[{"delta":{"role":"assistant","content":""}}]}\n\n`,
    },
    {
      name: "talk of a crash",
      events: `data: ${JSON.stringify({ model: "a", content: `{"model":""}` })}\n\n`,
    },
    { name: "talk of an error", events: `data: ${JSON.stringify({ content: `\ndata: {"error"` })}\n\n` },
    { name: "[DONE]", events: "data: [DONE]\n\n" },
  ]
) {
  Deno.test(`${name} is a beginning`, () => doesNotThrow(() => requireBeginning(HEAD, encode(events))));
}

Deno.test("messages are read in both forms, and whatever else is none", () => {
  const bodies = [
    `{"error":"a"}`,
    `{"error":{"message":"b"}}`,
    `{"error":{"message":5}}`,
    `{"error":null}`,
    "{",
    "null",
  ];
  deepEqual(bodies.map((body) => messageIn(encode(body))), ["a", "b", "", "", "", ""]);
});
