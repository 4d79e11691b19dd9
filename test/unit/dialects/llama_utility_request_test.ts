import { deepEqual, equal, match, throws } from "node:assert/strict";
import {
  decodeUtilityEnvelope,
  utilityExchange,
  type UtilityTarget,
} from "../../../lib/dialects/llama_utility_request.ts";
import type { Exchange, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function exchangeOf(target: UtilityTarget, said: unknown, facts: Partial<UpstreamFacts> = {}): Exchange {
  const body = encode(said);
  const ask = () => Promise.reject(new TypeError("nothing is asked"));
  const upstream = { kind: "llama-server", modelName: undefined, model: undefined, ask, ...facts } as const;
  return utilityExchange(target, body, decodeUtilityEnvelope(target, body))(upstream) as Exchange;
}

for (
  const { target, said } of [
    { target: "/tokenize", said: { model: "m", content: "a" } },
    { target: "/tokenize", said: { content: ["a", 5], with_pieces: true } },
    { target: "/detokenize", said: { model: "m", tokens: [1, 2] } },
    { target: "/detokenize", said: { tokens: [] } },
    { target: "/apply-template", said: { model: "m", messages: [{ role: "user", content: "a" }] } },
    { target: "/infill", said: { model: "m", input_prefix: "a", input_suffix: "", new_field: 1 } },
  ] satisfies { target: UtilityTarget; said: unknown }[]
) {
  Deno.test(`${target} passes ${JSON.stringify(said)} as it is`, () => {
    const { body, ...rest } = exchangeOf(target, said);
    deepEqual(JSON.parse(new TextDecoder().decode(body)), said);
    deepEqual(rest, { target, stream: false, format: "completion" });
  });
}

Deno.test("the model is called as its upstream calls it", () => {
  const { body } = exchangeOf("/tokenize", { model: "m", content: "a" }, { modelName: "n" });
  deepEqual(JSON.parse(new TextDecoder().decode(body)), { model: "n", content: "a" });
});

Deno.test("only an infill is a stream", () => {
  const envelope = (target: UtilityTarget, said: object) =>
    decodeUtilityEnvelope(target, encode({ ...said, stream: true }));
  equal(envelope("/infill", { input_prefix: "", input_suffix: "" }).stream, true);
  equal(envelope("/tokenize", { content: "a" }).stream, false);
});

for (
  const { target, said, field } of [
    { target: "/tokenize", said: {}, field: "content" },
    { target: "/tokenize", said: { content: 5 }, field: "content" },
    { target: "/tokenize", said: { content: "a", add_special: "yes" }, field: "add_special" },
    { target: "/tokenize", said: { content: "a", model: 7 }, field: "model" },
    { target: "/detokenize", said: { tokens: "x" }, field: "tokens" },
    { target: "/detokenize", said: { tokens: [1.5] }, field: "tokens[0]" },
    { target: "/detokenize", said: { tokens: [-1] }, field: "tokens[0]" },
    { target: "/apply-template", said: { messages: [] }, field: "messages" },
    { target: "/apply-template", said: { messages: [{ content: "a" }] }, field: "messages[0].role" },
    { target: "/infill", said: { input_prefix: "a" }, field: "input_suffix" },
    { target: "/infill", said: { input_prefix: "a", input_suffix: "b", stream: "yes" }, field: "stream" },
  ] satisfies { target: UtilityTarget; said: unknown; field: string }[]
) {
  Deno.test(`${target} refuses ${JSON.stringify(said)} by naming ${field}`, () => {
    throws(() => decodeUtilityEnvelope(target, encode(said)), (error) => {
      return error instanceof GatewayError && error.code === "invalid_request" && error.field === field;
    });
  });
}

for (const body of ["", "[", "[]", '"text"', "null", '{"content":'.repeat(9_000)]) {
  Deno.test(`a body that is no object is refused: ${body.slice(0, 12)}`, () => {
    const refused = () => decodeUtilityEnvelope("/tokenize", new TextEncoder().encode(body));
    throws(refused, (error) => error instanceof GatewayError && error.status === 400);
  });
}

Deno.test("a token that the model does not have is refused before llama-server fails over it", () => {
  const model = servedModel({ vocabularySize: 10 });
  equal(exchangeOf("/detokenize", { tokens: [9] }, { model }).target, "/detokenize");
  throws(() => exchangeOf("/detokenize", { tokens: [9, 10, 3] }, { model }), (error) => {
    match((error as GatewayError).message, /names 10, and the model has 10 tokens/);
    return (error as GatewayError).field === "tokens";
  });
});
