import { deepEqual, equal } from "node:assert/strict";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import { errorBody, modelCard, modelList } from "../../../lib/dialects/openai.ts";
import { openaiDialect } from "../../../lib/dialects/openai_dialect.ts";
import { GatewayError } from "../../../lib/errors.ts";

const encode = (text: string) => new TextEncoder().encode(text);

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
  const event = new TextDecoder().decode(
    openaiDialect.errorEvent(new GatewayError("upstream_failed", "broke"), "id-2"),
  );
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
  const { error } = JSON.parse(text(openaiDialect.errorEvent(undefined, "id-9")).slice("data: ".length));
  deepEqual([error.code, error.request_id, error.message.includes("id-9")], ["internal", "id-9", true]);
});

Deno.test("an upstream's refusal is passed on as it is, or rewrapped if it is none that a client could read", () => {
  const told = (body: string, status = 400) => {
    const refusal = { status, body: encode(body) };
    const { status: toldStatus, body: toldBody } = openaiDialect.refusal(refusal, "r1");
    return [toldStatus, text(toldBody), text(openaiDialect.refusalEvent(refusal, "r1"))];
  };
  const said = `{"error":{"message":"no","code":"bad","x":[1]}}`;
  deepEqual(told(said), [400, said, `data: ${said}\n\n`]);
  deepEqual(told(`{\n"error": {"message":"a\\nb"}}\n`)[2], `data: {"error":{"message":"a\\nb"}}\n\n`);
  for (const body of ["", "null", "[]", "{}", `{"error":"x"}`, `{"error":{"message":1}}`, "\xff"]) {
    const message = body.includes("x") && !body.includes("\xff")
      ? "x"
      : "The upstream answered 500 without saying why; ask again";
    const wrapped = { message, type: "server_error", param: null, code: null, request_id: "r1" };
    deepEqual(JSON.parse(told(body, 500)[1] as string), { error: wrapped }, body);
  }
});

Deno.test("llama-server's numeric code becomes a word, and what else it says stays", () => {
  const error = {
    code: 400,
    message: "too long",
    type: "exceed_context_size_error",
    n_prompt_tokens: 9,
    n_ctx: 8,
  };
  const body = encode(JSON.stringify({ error }));
  const told = JSON.parse(text(openaiDialect.refusal({ status: 400, body }, "r1").body));
  const words = { code: "context_length_exceeded", param: null, request_id: "r1" };
  deepEqual(told, { error: { ...error, ...words } });
});

Deno.test("a refusal that is told with another status blames whom that blames", () => {
  const told = (status: number, error: Record<string, unknown>) => {
    const refusal = { status, body: encode(JSON.stringify({ error })) };
    return JSON.parse(text(openaiDialect.refusal(refusal, "r1").body)).error;
  };
  const wanted = { type: "invalid_request_error", param: null, code: null, request_id: "r1" };
  const unread = "Failed to parse tools: [json.exception.type_error.302] type must be string, but is null";
  deepEqual(told(500, { code: 500, message: unread, type: "server_error" }), { message: unread, ...wanted });
  const unable = {
    code: 501,
    message: "This server does not support reranking",
    type: "not_supported_error",
  };
  deepEqual(told(501, unable), { message: unable.message, ...wanted });
});

Deno.test("what is the client's fault is a 400, and a key of ours that is refused no business of the client's", () => {
  const statusOf = (status: number, message = "") =>
    openaiDialect.refusal({ status, body: encode(JSON.stringify({ error: { message } })) }, "r1").status;
  deepEqual([400, 404, 429, 500, 501, 503, 401, 403].map((status) => statusOf(status)), [
    400,
    404,
    429,
    500,
    400,
    503,
    502,
    502,
  ]);
  equal(statusOf(500, "image input is not supported - hint: you may need to provide the mmproj"), 400);
  equal(statusOf(500, "input (25001 tokens) is too large to process. increase the physical batch size"), 400);
  equal(statusOf(500, "Compute error."), 500);
});

Deno.test("models are told so that OpenAI's clients and Anthropic's read them", () => {
  const place = {
    available: true,
    because: undefined,
    goes_to: undefined,
    nodes: ["attic"],
    alias_of: undefined,
  };
  const [card, other] = [modelCard("a:1b", 61_500, "ollama", place), modelCard("b", NaN, "ollama", place)];
  deepEqual(card, {
    id: "a:1b",
    object: "model",
    type: "model",
    display_name: "a:1b",
    created: 61,
    created_at: "1970-01-01T00:01:01.500Z",
    owned_by: "ollama",
    sollol: place,
  });
  equal(other.created_at, "1970-01-01T00:00:00.000Z");
  deepEqual(modelList([card, other]), {
    object: "list",
    data: [card, other],
    has_more: false,
    first_id: "a:1b",
    last_id: "b",
  });
  deepEqual([modelList([]).first_id, modelList([]).last_id], [null, null]);
});
