import { deepEqual, equal, ok } from "node:assert/strict";
import { decodeCountTokens } from "../../../lib/dialects/anthropic_request.ts";
import { countTokensExchange, estimatePromptTokens } from "../../../lib/dialects/anthropic_tokens.ts";
import type { UpstreamFacts } from "../../../lib/dialects/exchange.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

const UPSTREAM: UpstreamFacts = {
  kind: "llama-server",
  modelName: "other",
  model: undefined,
  ask: () => Promise.reject(new TypeError("nobody asks")),
};
const hi = (told: Record<string, unknown> = {}) => ({
  model: "m",
  messages: [{ role: "user", content: "hi" }],
  ...told,
});

function estimate(said: unknown): number {
  return estimatePromptTokens(decodeCountTokens(encode(said)).request);
}

Deno.test("a llama-server counts", () => {
  const body = encode(hi());
  const exchange = countTokensExchange(body, decodeCountTokens(body))(UPSTREAM);
  ok(!(exchange instanceof Promise) && "target" in exchange);
  deepEqual([exchange.target, exchange.stream], ["/v1/messages/count_tokens", false]);
  deepEqual(decode(exchange.body), hi({ model: "other" }));
});

Deno.test("for a node it is an estimate, which says so", () => {
  const body = encode(hi());
  const exchange = countTokensExchange(body, decodeCountTokens(body))({ ...UPSTREAM, kind: "ollama" });
  ok(!(exchange instanceof Promise) && "given" in exchange);
  deepEqual(decode(exchange.given({ now: () => 0, elapsedMs: () => 0, loadMs: 0 })), {
    input_tokens: 5,
    sollol: {
      is_estimate: true,
      because: "An Ollama node does not count tokens; this is by the length of the text",
    },
  });
});

Deno.test("the estimate grows with all that a prompt holds", () => {
  const least = estimate(hi());
  const tool = { name: "f", input_schema: { type: "object" } };
  const image = { type: "image", source: { type: "base64", data: "AAAA" } };
  const call = { type: "tool_use", id: "t", name: "f", input: { a: "x".repeat(100) } };
  for (
    const said of [
      hi({ system: "be kind" }),
      hi({ tools: [tool] }),
      hi({ messages: [{ role: "user", content: "hi" }, { role: "assistant", content: [call] }] }),
      hi({ messages: [{ role: "user", content: "hi" }, { role: "assistant", content: "x" }] }),
    ]
  ) {
    ok(estimate(said) > least);
  }
  equal(estimate(hi({ messages: [{ role: "user", content: [image] }] })), 4 + 768);
  equal(estimate(hi({ tools: [tool], tool_choice: { type: "none" } })), least);
  equal(estimate(hi({ messages: [{ role: "user", content: "x".repeat(4_000) }] })), 1_004);
});
