import { deepEqual, equal, throws } from "node:assert/strict";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import {
  decodeChatEnvelope,
  errorBody,
  errorEvent,
  unexpectedErrorEvent,
  upstreamErrorEvent,
} from "../../../lib/dialects/openai.ts";
import { GatewayError } from "../../../lib/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("the envelope is read and everything else is let through", () => {
  const body =
    `{"model":"m","stream":true,"messages":[{"role":"user","content":[{"type":"text"}],"x":1}],"unknown":{}}`;
  deepEqual(decodeChatEnvelope(encode(body)), { model: "m", stream: true, keepAliveMs: undefined });
  deepEqual(decodeChatEnvelope(encode(`{"messages":[{"role":"user"}],"model":null}`)), {
    model: undefined,
    stream: false,
    keepAliveMs: undefined,
  });
});

for (const [said, wantMs] of [[`"10m"`, 600_000], ["0", 0], ["-1", Infinity], ["null", undefined]] as const) {
  Deno.test(`keep_alive: ${said} is read as Ollama's clients mean it`, () => {
    const body = encode(`{"keep_alive":${said},"messages":[{"role":"user"}]}`);
    equal(decodeChatEnvelope(body).keepAliveMs, wantMs);
  });
}

const refused: { name: string; body: Uint8Array; message: RegExp; field?: string }[] = [
  { name: "no body", body: encode(""), message: /no body/ },
  { name: "not JSON", body: encode("{"), message: /not valid JSON/ },
  { name: "not UTF-8", body: Uint8Array.of(0x7b, 0xff, 0x7d), message: /not valid UTF-8/ },
  { name: "an array", body: encode("[]"), message: /^The body must be an object, not a list$/ },
  {
    name: "a model that is a number",
    body: encode(`{"model":5,"messages":[{"role":"user"}]}`),
    message: /^"model" must be text, not a number$/,
    field: "model",
  },
  {
    name: "stream as text",
    body: encode(`{"stream":"yes","messages":[{"role":"user"}]}`),
    message: /^"stream" must be true or false, not text$/,
    field: "stream",
  },
  {
    name: "a keep_alive that is no time",
    body: encode(`{"keep_alive":"soon","messages":[{"role":"user"}]}`),
    message: /"keep_alive".*soon/,
    field: "keep_alive",
  },
  {
    name: "a keep_alive of a kind of its own",
    body: encode(`{"keep_alive":[],"messages":[{"role":"user"}]}`),
    message: /^"keep_alive" must be a duration such as "10m", or a number of seconds$/,
    field: "keep_alive",
  },
  {
    name: "no messages",
    body: encode(`{"model":"m"}`),
    message: /^"messages" is missing; it must be a list$/,
    field: "messages",
  },
  {
    name: "empty messages",
    body: encode(`{"messages":[]}`),
    message: /^"messages" must have at least 1 element$/,
    field: "messages",
  },
  {
    name: "a message without role",
    body: encode(`{"messages":[{"role":"user"},{}]}`),
    message: /^"messages\[1\].role" is missing; it must be text$/,
    field: "messages[1].role",
  },
  {
    name: "a message that is text",
    body: encode(`{"messages":["hi"]}`),
    message: /^"messages\[0\]" must be an object, not text$/,
    field: "messages[0]",
  },
];
for (const { name, body, message, field } of refused) {
  Deno.test(`the envelope refuses ${name}`, () => {
    throws(() => decodeChatEnvelope(body), (error: GatewayError) => {
      equal(error.code, "invalid_request");
      equal(error.field, field);
      equal(message.test(error.message), true, error.message);
      return true;
    });
  });
}

Deno.test("errors carry OpenAI's type, the code, the field and the request id", () => {
  const error = new GatewayError("model_not_found", "no such model", { field: "model" });
  deepEqual(errorBody(error, "id-1"), {
    error: {
      message: "no such model",
      type: "not_found_error",
      param: "model",
      code: "model_not_found",
      request_id: "id-1",
    },
  });
  const event = new TextDecoder().decode(errorEvent(new GatewayError("upstream_failed", "broke"), "id-2"));
  equal(JSON.parse(event.slice("data: ".length)).error.type, "server_error");
  equal(event.endsWith("\n\n"), true);
});

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("a broken stream says how many tokens had been delivered, for people and for programs", () => {
  const reason = new GatewayError("shutting_down", "It stops; ask again", { retryAfterSeconds: 7 });
  for (const [count, words] of [[0, "0 tokens"], [1, "1 token"], [57, "57 tokens"]] as const) {
    const broken = new BrokenAnswer(reason, count);
    const { error } = errorBody(broken, "id-1") as { error: Record<string, unknown> };
    deepEqual([error["code"], error["tokens_delivered"]], ["shutting_down", count]);
    equal(error["message"], `It stops; ask again; ${words} had been delivered`);
    deepEqual([broken.retryAfterSeconds, broken.reason, broken.cause], [7, reason, reason]);
  }
});

Deno.test("what nobody understood names only the request", () => {
  const { error } = JSON.parse(text(unexpectedErrorEvent("id-9")).slice("data: ".length));
  deepEqual([error.code, error.request_id, error.message.includes("id-9")], ["internal", "id-9", true]);
});

Deno.test("an upstream's refusal is passed on as it is, and nothing that a client could not read", () => {
  const said = `{"error":{"message":"no","code":400,"x":[1]}}`;
  equal(text(upstreamErrorEvent(encode(said))), `data: ${said}\n\n`);
  equal(
    text(upstreamErrorEvent(encode(`{\n"error": {"message":"a\\nb"}}\n`))),
    `data: {"error":{"message":"a\\nb"}}\n\n`,
  );
  for (const body of ["", "null", "[]", "{}", `{"error":"x"}`, `{"error":{"message":1}}`, "\xff"]) {
    equal(upstreamErrorEvent(encode(body)), undefined, body);
  }
});
