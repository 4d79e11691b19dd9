import { deepEqual, equal, ok } from "node:assert/strict";
import { ModelAccess } from "../../../lib/auth/model_access.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { answerFor, errorFor, textFor, unknownModelFor } from "../../../lib/router/other_models.ts";

const access = new ModelAccess("one", ["tiny"]);
const shown = { access, isPermitted: (name: string) => name === "tiny" };

Deno.test("a sentence keeps the models that the key may use, and hides all else that is quoted", () => {
  const text = `"tiny" waits for room: "big:70b" is in use, "" too; said "loading /models/big"`;
  equal(textFor(text, shown), `"tiny" waits for room: "…" is in use, "…" too; said "…"`);
  equal(textFor('no quotes, one " alone', shown), 'no quotes, one " alone');
});

Deno.test("what is not found is told without near names, its code and field kept", () => {
  const error = new GatewayError("model_not_found", `Cannot find "tony"; did you mean "tiny" or "big"?`, {
    field: "model",
  });
  for (const told of [unknownModelFor(error, access), errorFor(error, shown)]) {
    deepEqual([told.code, told.status, told.field], ["model_not_found", 404, "model"]);
    equal(told.message, `model not found; GET /v1/models lists those that the key "one" may use`);
    equal(told.cause, error, "the log knows more");
  }
});

Deno.test("other failures keep their code and when to ask again", () => {
  const error = new GatewayError("no_capacity", `Cannot load "tiny": "big" is pinned`, {
    retryAfterSeconds: 7,
  });
  const told = errorFor(error, shown);
  deepEqual([told.code, told.message, told.retryAfterSeconds], [
    "no_capacity",
    `Cannot load "tiny": "…" is pinned`,
    7,
  ]);
  equal(unknownModelFor(error, access), error, "elsewhere only what is not found is told otherwise");
});

for (const code of ["invalid_request", "forbidden"] as const) {
  Deno.test(`a failure of the request itself (${code}) is told in the client's own words`, () => {
    const error = new GatewayError(code, `"temperature" must be a number`);
    equal(errorFor(error, shown), error);
  });
}

Deno.test("an answer says why it came from there without other models", () => {
  const report = { because: `"big" has no capacity, so "tiny" answers`, upstream: "alpha" };
  const answer = { status: 200, headers: [], body: new Uint8Array(), report } as unknown as Parameters<
    typeof answerFor
  >[0];
  const told = answerFor(answer, shown);
  equal(told.report.because, `"…" has no capacity, so "tiny" answers`);
  equal(told.report.upstream, "alpha");
  ok(told.body === answer.body);
});
