import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Exchange, GivenAnswer } from "../../../lib/dialects/exchange.ts";
import { ollamaEmbedExchange } from "../../../lib/dialects/ollama_embed_exchange.ts";
import { decodeOllamaEmbed, decodeOllamaEmbeddings } from "../../../lib/dialects/ollama_embed_request.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { askedUpstream, type AskedUpstreamWishes } from "../../fixtures/llama_questions.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const times = { now: () => 0, elapsedMs: () => 5, loadMs: 1 };

async function put(said: Record<string, unknown>, wishes: AskedUpstreamWishes = {}) {
  const bytes = encoder.encode(JSON.stringify({ model: "m", ...said }));
  const request = "prompt" in said ? decodeOllamaEmbeddings(bytes) : decodeOllamaEmbed(bytes);
  const upstream = askedUpstream(wishes);
  const exchange = await ollamaEmbedExchange(bytes, request)(upstream.facts);
  return { exchange: exchange as Exchange, bytes, asked: upstream.asked };
}

const saidIn = ({ body }: Exchange) => JSON.parse(decoder.decode(body));
const refusal = (error: Record<string, unknown>, status = 500) => ({
  status,
  body: encoder.encode(JSON.stringify({ error })),
});

Deno.test("to a node the bytes pass", async () => {
  for (
    const [said, target] of [[{ input: "x" }, "/api/embed"], [{ prompt: "x" }, "/api/embeddings"]] as const
  ) {
    const { exchange, bytes, asked } = await put(said, { kind: "ollama" });
    deepEqual([exchange.target, exchange.body === bytes, asked.length], [target, true, 0]);
    equal(exchange.translateWhole, undefined);
  }
});

Deno.test("a node is asked for the model by its own name for it", async () => {
  const { exchange } = await put({ input: "x" }, { kind: "ollama", modelName: "M" });
  equal(saidIn(exchange).model, "M");
});

Deno.test("texts are embedded by a llama-server, and told as Ollama does", async () => {
  const { exchange } = await put({ input: ["a", "b"], dimensions: 1 }, { modelName: "alias" });
  deepEqual([exchange.target, exchange.stream], ["/v1/embeddings", false]);
  deepEqual(saidIn(exchange), { model: "alias", input: ["a", "b"], encoding_format: "float" });
  const data = [{ index: 1, embedding: [0, 1] }, { index: 0, embedding: [2, 0] }];
  const answer = encoder.encode(JSON.stringify({ data, usage: { prompt_tokens: 4 } }));
  const told = JSON.parse(decoder.decode(await exchange.translateWhole!(answer, times)));
  deepEqual([told.model, told.embeddings, told.prompt_eval_count], ["m", [[1], [0]], 4]);
});

Deno.test("the older form wants the vector as the model gives it", async () => {
  const { exchange } = await put({ prompt: "x" });
  equal(saidIn(exchange).embd_normalize, -1);
  const answer = encoder.encode(`{"data":[{"index":0,"embedding":[3,4]}]}`);
  equal(decoder.decode(await exchange.translateWhole!(answer, times)), `{"embedding":[3,4]}`);
});

Deno.test("no text is a load, which is answered without asking", async () => {
  for (
    const [said, want] of [
      [{}, `{"model":"m","embeddings":[]}`],
      [{ input: [] }, `{"model":"m","embeddings":[]}`],
      [{ prompt: "" }, `{"embedding":[]}`],
    ] as const
  ) {
    const { exchange, asked } = await put(said);
    equal(decoder.decode((exchange as unknown as GivenAnswer).given(times)), want);
    equal(asked.length, 0);
  }
});

Deno.test("a text that is too long for our own coordinator is cut before it is sent", async () => {
  const { exchange } = await put({ input: "x".repeat(100) }, { model: servedModel({ contextSize: 50 }) });
  deepEqual(saidIn(exchange).input, [[1, ...Array(49).fill(120)]]);
});

Deno.test("a text that must not be cut is refused", async () => {
  const asked = put({ input: "x".repeat(100), truncate: false }, { model: servedModel({ contextSize: 50 }) });
  await rejects(asked, (error: unknown) => {
    equal(error instanceof GatewayError && error.status, 400);
    equal((error as Error).message, "the input length exceeds the context length");
    return true;
  });
});

for (
  const { name, error, status } of [
    {
      name: "its batches",
      error: {
        code: 500,
        message:
          "input (4801 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
        type: "server_error",
      },
      status: 500,
    },
    {
      name: "its context",
      error: {
        code: 400,
        message: "request (4801 tokens) exceeds the available context size (512 tokens), try increasing it",
        type: "exceed_context_size_error",
        n_prompt_tokens: 4_801,
        n_ctx: 512,
      },
      status: 400,
    },
  ]
) {
  Deno.test(`a llama-server of others that tells the size of ${name} gets as much`, async () => {
    const { exchange } = await put({ input: ["y", "x".repeat(2_000)] });
    const next = exchange.afterRefusal!(refusal(error, status))!;
    deepEqual(saidIn(next).input.map((input: unknown[] | string) => input.length), [1, 512]);
    equal(next.afterRefusal!(refusal(error, status)), undefined);
  });
}

Deno.test("other refusals stand", async () => {
  const { exchange } = await put({ input: "x".repeat(2_000) });
  for (const error of [{ message: "Loading model" }, { message: "too large to process" }, {}]) {
    equal(exchange.afterRefusal!(refusal(error)), undefined);
  }
  equal(exchange.afterRefusal!({ status: 500, body: encoder.encode("<html>") }), undefined);
});
