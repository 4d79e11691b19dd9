import { deepEqual, equal, ok, throws } from "node:assert/strict";
import type { Exchange, GivenAnswer, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { ollamaChatExchange } from "../../../lib/dialects/ollama_chat_exchange.ts";
import { decodeOllamaChat } from "../../../lib/dialects/ollama_chat_request.ts";
import type { Capability } from "../../../lib/dialects/served_model.ts";
import { recordedAnswer } from "../../fixtures/llama_server_streams.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const times = { now: () => 0, elapsedMs: () => 5, loadMs: 1 };
const hi = { role: "user", content: "hi" };

const facts = (told: Partial<UpstreamFacts> = {}): UpstreamFacts => ({
  kind: "llama-server",
  modelName: "there",
  model: servedModel(),
  ask: () => Promise.reject(new Error("Nobody is to be asked")),
  ...told,
});

function put(said: string | Record<string, unknown>, upstream = facts()): Exchange | GivenAnswer {
  const body = encoder.encode(typeof said === "string" ? said : JSON.stringify(said));
  return ollamaChatExchange(body, decodeOllamaChat(body))(upstream) as Exchange | GivenAnswer;
}

const exchangeOf = (said: string | Record<string, unknown>, upstream?: UpstreamFacts) =>
  put(said, upstream) as Exchange;
const bodyOf = ({ body }: Exchange) => JSON.parse(decoder.decode(body));

Deno.test("a node gets the bytes of the client, but for the model's name", () => {
  const said =
    `{ "model" : "m" , "messages":[{"role":"user","content":"\\u00e9","x":1}],"options":{"n":1.50} }`;
  const { target, format, stream, body, ...rest } = exchangeOf(
    said,
    facts({ kind: "ollama", model: undefined }),
  );
  deepEqual([target, format, stream, rest], ["/api/chat", "ollama", true, {}]);
  equal(decoder.decode(body), said.replace(`"m"`, `"there"`));
});

Deno.test("a node that calls the model as the client does gets the very same bytes", () => {
  const said = `{"model":"m","messages":[{"role":"user"}],"stream":false}`;
  const exchange = exchangeOf(said, facts({ kind: "ollama", modelName: undefined }));
  equal(decoder.decode(exchange.body), said);
  equal(exchange.stream, false);
});

Deno.test("a node is asked to load a model, too, and answers at once", () => {
  const exchange = exchangeOf({ model: "m", stream: true }, facts({ kind: "ollama" }));
  deepEqual([exchange.target, exchange.stream], ["/api/chat", false]);
});

Deno.test("llama-server need not be asked to load", () => {
  const answer = put({ model: "m" }) as GivenAnswer;
  equal(
    decoder.decode(answer.given(times)),
    `{"model":"m","created_at":"1970-01-01T00:00:00.000Z","message":{"role":"assistant","content":""},` +
      `"done":true,"done_reason":"load"}`,
  );
});

Deno.test("llama-server is asked in its own words, and its stream becomes Ollama's", () => {
  const exchange = exchangeOf({ model: "m", messages: [hi], options: { seed: 5 } });
  deepEqual([exchange.target, exchange.format, exchange.stream], ["/v1/chat/completions", "openai", true]);
  deepEqual([bodyOf(exchange).seed, bodyOf(exchange).stream, bodyOf(exchange).model], [5, true, "there"]);
  const translator = exchange.translateStream!(times);
  const first = decoder.decode(translator.push(recordedAnswer("text.sse"))).split("\n")[0]!;
  deepEqual(JSON.parse(first).model, "m");
});

Deno.test("a client that named no model is told the model's own name", () => {
  const exchange = exchangeOf({ messages: [hi], stream: false });
  const answer = decoder.decode(
    exchange.translateWhole!(recordedAnswer("reasoning.json"), times) as Uint8Array,
  );
  equal(JSON.parse(answer).model, "tiny:latest");
});

Deno.test("a whole answer does not repeat what the client began", () => {
  const messages = [hi, { role: "assistant", content: "hel" }];
  const exchange = exchangeOf({ model: "m", messages, stream: false });
  const answer = decoder.decode(
    exchange.translateWhole!(recordedAnswer("reasoning.json"), times) as Uint8Array,
  );
  equal(JSON.parse(answer).message.content, "lo");
});

const PNG = "iVBORw0KGgo=";
const tools = [{ function: { name: "f" } }];
for (
  const { name, said, capabilities, message, field } of [
    {
      name: "tools",
      said: { tools },
      capabilities: ["completion"],
      message: `"m" does not support tools`,
      field: "tools",
    },
    {
      name: "thoughts",
      said: { think: true },
      capabilities: ["completion"],
      message: `"m" does not support thinking`,
      field: "think",
    },
    {
      name: "some thoughts",
      said: { think: "low" },
      capabilities: ["completion"],
      message: `"m" does not support thinking`,
      field: "think",
    },
    {
      name: "a chat",
      said: {},
      capabilities: ["embedding"],
      message: `"m" does not support chat`,
      field: "model",
    },
    {
      name: "pictures",
      said: { messages: [{ ...hi, images: [PNG] }] },
      capabilities: ["completion"],
      message: `"m" does not support images`,
      field: "images",
    },
    {
      name: "sounds",
      said: { messages: [{ ...hi, images: [btoa("ID3\x04")] }] },
      capabilities: ["completion", "vision"],
      message: `"m" does not support audio`,
      field: "images",
    },
  ] as const
) {
  Deno.test(`a model that cannot do it is not asked for ${name}`, () => {
    const model = servedModel({ capabilities: new Set<Capability>(capabilities) });
    const request = { model: "m", messages: [hi], ...said };
    throws(() => put(request, facts({ model })), { code: "invalid_request", message, field });
    exchangeOf(request, facts({ model: undefined })); // nobody knows what it can do
  });
}

Deno.test("what cannot chat is not loaded for a chat", () => {
  const upstream = facts({ model: servedModel({ capabilities: new Set(["embedding"]) }) });
  throws(() => put({ model: "m" }, upstream), { message: `"m" does not support chat` });
});

Deno.test("a model that can is asked; no thoughts can be asked of any", () => {
  const capabilities = new Set<Capability>(["completion", "tools", "vision", "thinking"]);
  const all = { model: "m", messages: [{ ...hi, images: [PNG] }], tools, think: true };
  exchangeOf(all, facts({ model: servedModel({ capabilities }) }));
  exchangeOf({ model: "m", messages: [hi], think: false });
});

const tooLong = (promptTokens: number, contextSize: number) => ({
  status: 400,
  body: encoder.encode(JSON.stringify({
    error: {
      message: "too long",
      type: "exceed_context_size_error",
      n_prompt_tokens: promptTokens,
      n_ctx: contextSize,
    },
  })),
});

Deno.test("a prompt that was too long is asked again without its oldest messages, the number of tries is small", () => {
  const messages = [{ role: "system", content: "Be." }, ...Array.from({ length: 5_000 }, () => hi)];
  let exchange: Exchange | undefined = exchangeOf({ model: "m", messages });
  const counts: number[] = [];
  while (exchange) {
    const { messages: sent } = bodyOf(exchange);
    equal(sent[0].role, "system");
    equal(sent.length > 1, true);
    counts.push(sent.length);
    exchange = exchange.afterRefusal!(tooLong(sent.length * 100, 10_000)); // whatever is sent is too long
  }
  ok(counts.length > 2 && counts.length <= 7, `asked ${counts.length} times`);
  deepEqual(counts.toSorted((one, other) => other - one), counts);
});

for (
  const { name, said, refusal } of [
    { name: "the client wants no shorter chat", said: { truncate: false }, refusal: tooLong(200, 100) },
    {
      name: "it was refused for another reason",
      said: {},
      refusal: { status: 400, body: encoder.encode("{}") },
    },
    { name: "nobody says how far it was too long", said: {}, refusal: tooLong(0, 0) },
    { name: "there is one message", said: { messages: [hi] }, refusal: tooLong(200, 100) },
  ]
) {
  Deno.test(`a refusal stands where ${name}`, () => {
    const exchange = exchangeOf({ model: "m", messages: [hi, hi, hi], ...said });
    equal(exchange.afterRefusal!(refusal), undefined);
  });
}
