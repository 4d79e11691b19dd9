import { deepEqual, equal } from "node:assert/strict";
import { ollamaDialect, ollamaGenerateDialect } from "../../../lib/dialects/ollama_dialect.ts";
import { GatewayError } from "../../../lib/errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const refusal = (status: number, said: unknown) => ({
  status,
  body: encoder.encode(typeof said === "string" ? said : JSON.stringify(said)),
});

Deno.test("an error is one text", () => {
  const error = new GatewayError("no_capacity", "No room");
  deepEqual(ollamaDialect.errorBody(error, "r1"), { error: "No room" });
  equal(decoder.decode(ollamaDialect.errorEvent(error, "r1")), `{"error":"No room"}\n`);
});

Deno.test("a failure that nobody understood tells where to look", () => {
  const said = "Something went wrong inside sollol; its log has the details under request r1";
  deepEqual(ollamaDialect.errorBody(undefined, "r1"), { error: said });
  equal(decoder.decode(ollamaDialect.errorEvent(undefined, "r1")), `${JSON.stringify({ error: said })}\n`);
});

Deno.test("an absent model is told in the words by which clients know it", () => {
  const told = (message: string) =>
    ollamaDialect.errorBody(new GatewayError("model_not_found", message), "r1").error;
  equal(told(`Cannot find model "m"; pull it`), `model 'm' not found; pull it`);
  equal(told(`Cannot find "m"`), `model not found: Cannot find "m"`);
  equal(told(`model "m" not found`), `model "m" not found`);
});

const long = { type: "exceed_context_size_error", n_prompt_tokens: 21, n_ctx: 20 };
for (
  const { name, said, status, want } of [
    { name: "llama-server's", said: { error: { message: "bad", type: "x" } }, status: 400, want: "bad" },
    { name: "Ollama's", said: { error: "bad" }, status: 404, want: "bad" },
    {
      name: "llama-server's inside of Ollama's",
      said: { error: `{"error":{"message":"bad"}}` },
      status: 400,
      want: "bad",
    },
    { name: "a text that only looks like one", said: { error: "{bad" }, status: 400, want: "{bad" },
    { name: "none", said: "", status: 500, want: "The upstream answered 500 without saying why; ask again" },
    {
      name: "a page",
      said: "<html>",
      status: 503,
      want: "The upstream answered 503 without saying why; ask again",
    },
    {
      name: "one with both numbers",
      said: { error: { message: "21 is more than 20", ...long } },
      status: 400,
      want: "21 is more than 20",
    },
    {
      name: "one without its numbers",
      said: { error: { message: "too long", ...long } },
      status: 400,
      want: "too long (21 tokens, with room for 20)",
    },
  ]
) {
  Deno.test(`the sentence of a refusal: ${name}`, () => {
    const told = ollamaDialect.refusal(refusal(status, said), "r1");
    equal(told.status, status);
    deepEqual(JSON.parse(decoder.decode(told.body)), { error: want });
    const event = decoder.decode(ollamaDialect.refusalEvent(refusal(status, said), "r1"));
    equal(event, `${JSON.stringify({ error: want })}\n`);
  });
}

for (
  const [status, message, want] of [[501, "no", 400], [401, "key", 502], [
    500,
    "mmproj is needed",
    400,
  ]] as const
) {
  Deno.test(`the status ${status} of "${message}" is ${want} for the client`, () => {
    equal(ollamaDialect.refusal(refusal(status, { error: { message } }), "r1").status, want);
  });
}

const word = { text: "loading", requestId: "r1", model: "m", atMs: 0, isFirst: true, isNote: true };
for (
  const { name, dialect, isNote, want } of [
    {
      name: "a chat",
      dialect: ollamaDialect,
      isNote: true,
      want: { message: { role: "assistant", content: "", thinking: "loading\n" } },
    },
    {
      name: "a chat",
      dialect: ollamaDialect,
      isNote: false,
      want: { message: { role: "assistant", content: "" } },
    },
    {
      name: "a text",
      dialect: ollamaGenerateDialect,
      isNote: true,
      want: { response: "", thinking: "loading\n" },
    },
    { name: "a text", dialect: ollamaGenerateDialect, isNote: false, want: { response: "" } },
  ]
) {
  Deno.test(`a client that waits for ${name} gets ${isNote ? "thoughts" : "nothing to read"} meanwhile`, () => {
    const line = decoder.decode(dialect.waitingWord({ ...word, isNote }));
    const head = { model: "m", created_at: "1970-01-01T00:00:00.000Z" };
    equal(line, `${JSON.stringify({ ...head, ...want, done: false })}\n`);
  });
}

Deno.test("there is no place for comments", () => {
  equal(ollamaDialect.comment("x").byteLength, 0);
  deepEqual([ollamaDialect.name, ollamaDialect.streamType], ["ollama", "application/x-ndjson"]);
});

Deno.test("a key that is missing is told where Ollama's CLI looks for it", () => {
  const message = "This gateway wants an API key";
  deepEqual(ollamaDialect.errorBody(new GatewayError("unauthorized", message), "r1"), {
    error: message,
    status: message,
  });
});
