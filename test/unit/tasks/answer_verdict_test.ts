import { equal } from "node:assert/strict";
import { isSuccess, judgeAnswer } from "../../../lib/tasks/answer_verdict.ts";

for (
  const { status, body, verdict } of [
    { status: 200, body: {}, verdict: "result" },
    { status: 400, body: {}, verdict: "result" },
    { status: 404, body: { error: { code: "no_capacity" } }, verdict: "result" },
    { status: 429, body: {}, verdict: "failure" },
    { status: 429, body: { error: { code: "rate_limit_exceeded" } }, verdict: "failure" },
    { status: 429, body: { error: { code: "rate_limited" } }, verdict: "not tried" },
    { status: 400, body: { error: { code: "rate_limited" } }, verdict: "result" },
    { status: 500, body: "oops", verdict: "failure" },
    { status: 502, body: null, verdict: "failure" },
    { status: 503, body: undefined, verdict: "failure" },
    { status: 503, body: { error: null }, verdict: "failure" },
    { status: 503, body: { error: "loading" }, verdict: "failure" },
    { status: 503, body: { error: { code: "no_capacity" } }, verdict: "not tried" },
    { status: 503, body: { error: { code: "loading" } }, verdict: "not tried" },
    { status: 503, body: { error: { code: "shutting_down" } }, verdict: "not tried" },
    { status: 507, body: { error: { code: "insufficient_memory" } }, verdict: "failure" },
  ]
) {
  Deno.test(`judgeAnswer() of ${status} with ${JSON.stringify(body)}: ${verdict}`, () => {
    equal(judgeAnswer({ status, body, retryAfterSeconds: undefined }), verdict);
  });
}

for (const [status, want] of [[199, false], [200, true], [299, true], [300, false], [500, false]] as const) {
  Deno.test(`isSuccess() of ${status}: ${want}`, () => {
    equal(isSuccess({ status, body: {}, retryAfterSeconds: undefined }), want);
  });
}
