import { deepEqual, equal, match } from "node:assert/strict";
import { anthropicDialect } from "../../../lib/dialects/anthropic_dialect.ts";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import { type ErrorCode, GatewayError } from "../../../lib/errors.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const TYPES: readonly (readonly [code: ErrorCode, type: string])[] = [
  ["invalid_request", "invalid_request_error"],
  ["context_too_long", "invalid_request_error"],
  ["unauthorized", "authentication_error"],
  ["forbidden", "permission_error"],
  ["model_not_found", "not_found_error"],
  ["method_not_allowed", "invalid_request_error"],
  ["conflict", "conflict_error"],
  ["too_large", "request_too_large"],
  ["rate_limited", "rate_limit_error"],
  ["upstream_failed", "api_error"],
  ["no_capacity", "overloaded_error"],
  ["loading", "overloaded_error"],
  ["load_timeout", "timeout_error"],
  ["insufficient_memory", "api_error"],
];

for (const [code, type] of TYPES) {
  Deno.test(`an error "${code}" is of Anthropic's type ${type}`, () => {
    deepEqual(anthropicDialect.errorBody(new GatewayError(code, "It did not work"), "r1"), {
      type: "error",
      error: { type, message: "It did not work", details: { error_code: code } },
      request_id: "r1",
    });
  });
}

Deno.test("an error of a client's tells the field at fault, one in a stream how much had come", () => {
  const error = new GatewayError("invalid_request", "No", { field: "messages[0].role" });
  deepEqual(errorIn(anthropicDialect.errorBody(error, "r1"))["details"], {
    error_code: "invalid_request",
    field: "messages[0].role",
  });
  const broken = new BrokenAnswer(new GatewayError("upstream_failed", "It died"), 7);
  deepEqual(errorIn(anthropicDialect.errorBody(broken, "r1"))["details"], {
    error_code: "upstream_failed",
    tokens_delivered: 7,
  });
});

Deno.test("a failure that nobody understood says no more than where the log has it", () => {
  const error = errorIn(anthropicDialect.errorBody(undefined, "r1"));
  equal(error["type"], "api_error");
  match(String(error["message"]), /under request r1$/);
});

Deno.test("an error in a stream is an event of its own", () => {
  const event = decode(anthropicDialect.errorEvent(new GatewayError("upstream_failed", "Gone"), "r1"));
  match(
    event,
    /^event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"Gone".*"r1"\}\n\n$/,
  );
});

const LONG = { message: "request (20020 tokens) exceeds the available context size (1024 tokens)" };

for (
  const { name, status, body, wantStatus = status, type = "invalid_request_error", message } of [
    {
      name: "llama-server's form",
      status: 400,
      body: { error: { code: 400, message: "no such thing", type: "invalid_request_error" } },
      message: "no such thing",
    },
    {
      name: "the form of llama-server's events",
      status: 500,
      body: { code: 500, message: "Compute error.", type: "server_error" },
      type: "api_error",
      message: "Compute error.",
    },
    { name: "Ollama's form", status: 400, body: { error: "no such thing" }, message: "no such thing" },
    {
      name: "a model that is not there",
      status: 404,
      body: { error: "model 'm' not found" },
      type: "not_found_error",
      message: "model 'm' not found",
    },
    {
      name: "a prompt that is too long for llama-server",
      status: 400,
      body: {
        error: { ...LONG, type: "exceed_context_size_error", n_prompt_tokens: 20_020, n_ctx: 1_024 },
      },
      message: "prompt is too long: 20020 tokens > 1024 maximum",
    },
    {
      name: "the same inside the words of Ollama 0.33",
      status: 400,
      body: {
        error: JSON.stringify({ error: { code: 400, ...LONG, n_prompt_tokens: 20_020, n_ctx: 1_024 } }),
      },
      message: "prompt is too long: 20020 tokens > 1024 maximum",
    },
    {
      name: "a prompt that is too long for older Ollama",
      status: 400,
      body: { error: "the input length exceeds the context length" },
      message: "prompt is too long: the input length exceeds the context length",
    },
    {
      name: "what llama-server cannot do",
      status: 501,
      body: { error: { message: "not supported", type: "not_supported_error" } },
      wantStatus: 400,
      message: "not supported",
    },
    {
      name: "a client's fault that llama-server takes for its own",
      status: 500,
      body: {
        error: { message: "image input is not supported - hint: you may need to provide the mmproj" },
      },
      wantStatus: 400,
      message: "image input is not supported - hint: you may need to provide the mmproj",
    },
    {
      name: "a failure of the upstream's own",
      status: 500,
      body: { error: "out of memory" },
      type: "api_error",
      message: "out of memory",
    },
    {
      name: "a key of ours that is refused, which the client cannot mend",
      status: 401,
      body: { error: { message: "Invalid API Key", type: "authentication_error" } },
      wantStatus: 502,
      type: "api_error",
      message: "The upstream does not take the gateway's own key; ask whoever runs the gateway",
    },
    {
      name: "an upstream that has too much to do",
      status: 503,
      body: { error: "server busy" },
      type: "overloaded_error",
      message: "server busy",
    },
    {
      name: "no words at all",
      status: 400,
      body: "",
      message: "The upstream answered 400 without saying why; ask again",
    },
  ]
) {
  Deno.test(`a refusal is told in Anthropic's words: ${name}`, () => {
    const refused = anthropicDialect.refusal({ status, body: encode(body) }, "r1");
    equal(refused.status, wantStatus);
    const want = { type: "error", error: { type, message }, request_id: "r1" };
    deepEqual(JSON.parse(decode(refused.body)), want);
    const event = decode(anthropicDialect.refusalEvent({ status, body: encode(body) }, "r1"));
    equal(event, `event: error\ndata: ${JSON.stringify(want)}\n\n`);
  });
}

Deno.test("who waits gets comments, which no client takes for a part of the answer", () => {
  const word = { text: "loads\nnow", requestId: "r1", model: "m", atMs: 0, isFirst: true };
  for (const isNote of [true, false]) {
    equal(decode(anthropicDialect.waitingWord({ ...word, isNote })), ": loads now\n\n");
  }
  equal(decode(anthropicDialect.comment("because")), ": because\n\n");
});

function errorIn(body: Record<string, unknown>): Record<string, unknown> {
  return body["error"] as Record<string, unknown>;
}
