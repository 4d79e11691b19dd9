import { equal } from "node:assert/strict";
import { type ErrorCode, GatewayError, messageOf, STATUS } from "../../lib/errors.ts";

Deno.test("each code has the status of the table, and waits are told where waiting helps", () => {
  for (const [code, status] of Object.entries(STATUS)) {
    const error = new GatewayError(code as ErrorCode, "m");
    equal(error.status, status);
    equal(error.retryAfterSeconds !== undefined, status === 503 || status === 429, code);
  }
});

Deno.test("an explicit wait wins over the code's own", () => {
  equal(new GatewayError("loading", "m", { retryAfterSeconds: 60 }).retryAfterSeconds, 60);
});

Deno.test("messageOf() reads whatever was thrown", () => {
  equal(messageOf(new Error("a")), "a");
  equal(messageOf("b"), "b");
  equal(messageOf(undefined), "undefined");
});
