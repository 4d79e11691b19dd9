import { deepEqual, equal, rejects } from "node:assert/strict";
import { LlamaQuestions } from "../../../lib/dialects/llama_questions.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { askedUpstream } from "../../fixtures/llama_questions.ts";

const CHAT = new TextEncoder().encode(`{"messages":[{"role":"user","content":"hi"}],"temperature":0}`);

Deno.test("questions are asked in llama-server's words", async () => {
  const { facts, asked } = askedUpstream({ modelName: "alias" });
  const questions = new LlamaQuestions(facts);
  deepEqual(await questions.tokenize("hi", { hasSpecial: true }), [1, 104, 105]);
  deepEqual(await questions.tokenize("hi", { hasSpecial: false }), [104, 105]);
  equal(await questions.detokenize([104, 105]), "hi");
  equal(await questions.applyTemplate(CHAT), "<user>hi<assistant>");
  deepEqual(asked.map(({ target, body }) => [target, body["model"]]), [
    ["/tokenize", "alias"],
    ["/tokenize", "alias"],
    ["/detokenize", "alias"],
    ["/apply-template", "alias"],
  ]);
});

Deno.test("a model that has no other name there is not named", async () => {
  const { facts, asked } = askedUpstream();
  await new LlamaQuestions(facts).detokenize([104]);
  deepEqual(asked[0]!.body, { tokens: [104] });
});

for (
  const { status, value, code } of [
    { status: 400, value: { error: { message: "bad" } }, code: "invalid_request" },
    { status: 404, value: undefined, code: "invalid_request" },
    { status: 500, value: { error: { message: "Loading" } }, code: "upstream_failed" },
    { status: 200, value: undefined, code: "upstream_failed" },
    { status: 200, value: { tokens: ["a"], prompt: 5 }, code: "upstream_failed" },
  ]
) {
  Deno.test(`${status} with ${JSON.stringify(value)} is ${code}`, async () => {
    const questions = new LlamaQuestions(askedUpstream({ answer: () => ({ status, value }) }).facts);
    for (
      const ask of [
        () => questions.tokenize("hi", { hasSpecial: true }),
        () => questions.detokenize([1]),
        () => questions.applyTemplate(CHAT),
      ]
    ) await rejects(ask, (error: unknown) => error instanceof GatewayError && error.code === code);
  });
}
