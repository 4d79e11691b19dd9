import { deepEqual, equal } from "node:assert/strict";
import { BrokenAnswer } from "../../../lib/dialects/broken_answer.ts";
import {
  errorBody,
  errorEvent,
  unexpectedErrorEvent,
  upstreamErrorEvent,
} from "../../../lib/dialects/openai.ts";
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
