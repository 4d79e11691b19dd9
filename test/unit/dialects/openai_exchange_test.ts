import { deepEqual, equal, match, strictEqual, throws } from "node:assert/strict";
import type { Exchange, ExchangeFor, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import {
  openaiChatExchange,
  openaiCompletionExchange,
  openaiEmbeddingExchange,
  rerankExchange,
  responsesExchange,
} from "../../../lib/dialects/openai_exchange.ts";
import {
  decodeChatEnvelope,
  decodeCompletionEnvelope,
  decodeEmbeddingEnvelope,
} from "../../../lib/dialects/openai_request.ts";
import { decodeRerankEnvelope } from "../../../lib/dialects/rerank_request.ts";
import { decodeResponsesEnvelope } from "../../../lib/dialects/responses_request.ts";
import { servedModel } from "../../fixtures/served_model.ts";

type Body = Uint8Array<ArrayBuffer>;

const encode = (text: string): Body => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function upstream(told: Partial<UpstreamFacts> = {}): UpstreamFacts {
  return {
    kind: "llama-server",
    modelName: undefined,
    model: undefined,
    ask: () => Promise.reject(new TypeError("nobody asks")),
    ...told,
  };
}

const NODE = upstream({ kind: "ollama" });
const LLAMA = upstream();

const KINDS = {
  chat: (body: Body) => openaiChatExchange(body, decodeChatEnvelope(body)),
  completion: (body: Body) => openaiCompletionExchange(body, decodeCompletionEnvelope(body)),
  embedding: (body: Body) => openaiEmbeddingExchange(body, decodeEmbeddingEnvelope(body)),
  responses: (body: Body) => responsesExchange(body, decodeResponsesEnvelope(body)),
  rerank: (body: Body) => rerankExchange(body, decodeRerankEnvelope(body)),
} satisfies Record<string, (body: Body) => ExchangeFor>;

async function put(kind: keyof typeof KINDS, said: string, to: UpstreamFacts): Promise<string> {
  return decode((await KINDS[kind](encode(said))(to) as Exchange).body);
}

for (
  const { kind, said, target, format, stream } of [
    {
      kind: "chat",
      said: `{ "stream":true,"n":1,"messages" : [{"role":"user","content":"a"}],"big":12345678901234567890 }`,
      target: "/v1/chat/completions",
      format: "openai",
      stream: true,
    },
    {
      kind: "completion",
      said: `{"prompt":"a","seed":1.0}`,
      target: "/v1/completions",
      format: "openai",
      stream: false,
    },
    {
      kind: "embedding",
      said: `{"input":["a",""],"dimensions":0,"stream":true}`,
      target: "/v1/embeddings",
      format: "openai",
      stream: false,
    },
    {
      kind: "responses",
      said: `{"input":"a","stream":true,"store":true,"previous_response_id":null}`,
      target: "/v1/responses",
      format: "responses",
      stream: true,
    },
  ] as const
) {
  for (const to of [NODE, LLAMA]) {
    Deno.test(`the bytes of a usual request for ${target} pass to ${to.kind}`, async () => {
      const body = encode(said);
      const exchange = await KINDS[kind](body)(to) as Exchange;
      deepEqual([exchange.target, exchange.format, exchange.stream], [target, format, stream]);
      strictEqual(exchange.body, body);
      const isCompleted = kind === "responses" && to === LLAMA;
      equal(exchange.translateWhole !== undefined, isCompleted);
      equal(exchange.translateStream !== undefined, isCompleted);
    });
  }
}

for (
  const { name, kind, to, said, want } of [
    {
      name: "a name where the client says none",
      kind: "completion",
      to: upstream({ kind: "ollama", modelName: "there" }),
      said: `{"prompt":"a"}`,
      want: `{"model":"there","prompt":"a"}`,
    },
    {
      name: "the only prompt of a list by itself",
      kind: "completion",
      to: NODE,
      said: `{"prompt":[ "a" ],"max_tokens":5}`,
      want: `{"prompt":"a","max_tokens":5}`,
    },
    {
      name: "the form of embeddings to llama-server in small letters",
      kind: "embedding",
      to: LLAMA,
      said: `{"input":"a","encoding_format":"Base64"}`,
      want: `{"input":"a","encoding_format":"base64"}`,
    },
    {
      name: "no form of embeddings to llama-server by its name",
      kind: "embedding",
      to: LLAMA,
      said: `{"input":"a","encoding_format":null}`,
      want: `{"input":"a","encoding_format":"float"}`,
    },
    {
      name: "a response's named tool to llama-server",
      kind: "responses",
      to: LLAMA,
      said:
        `{"input":"a","tools":[{"type":"function","name":"f"},{"type":"function","name":"g","description":null}],"tool_choice":{"type":"function","name":"g"}}`,
      want:
        `{"input":"a","tools":[{"type":"function","name":"g","description":""}],"tool_choice":"required"}`,
    },
    {
      name: "a response's schema to llama-server by the name that it knows",
      kind: "responses",
      to: LLAMA,
      said:
        `{"input":"a","tools":null,"text":{"format":{"type":"json_schema","name":"x","schema":{"maximum":1.0}}}}`,
      want:
        `{"response_format":{"type":"json_schema","json_schema":{"schema":{"maximum":1.0}}},"input":"a","tools":[],"text":{"format":{"type":"json_schema","name":"x","schema":{"maximum":1.0}}}}`,
    },
    {
      name: "what an assistant said to llama-server as a message",
      kind: "responses",
      to: LLAMA,
      said: `{"input":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
      want: `{"input":[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":"b"}]}`,
    },
    {
      name: "what is stored with a model before a response's text",
      kind: "responses",
      to: upstream({ model: servedModel({ system: "kind", messages: [{ role: "user", content: "q" }] }) }),
      said: `{"input":"a"}`,
      want:
        `{"instructions":"kind","input":[{"type":"message","role":"user","content":"q"},{"type":"message","role":"user","content":"a"}]}`,
    },
    {
      name: "what is stored with a model before a response's items",
      kind: "responses",
      to: upstream({ model: servedModel({ system: "kind", messages: [{ role: "user", content: "q" }] }) }),
      said: `{"input":[{"role":"system","content":"a"}]}`,
      want: `{"input":[{"type":"message","role":"user","content":"q"},{"role":"system","content":"a"}]}`,
    },
    {
      name: "a list to rank",
      kind: "rerank",
      to: upstream({ modelName: "there" }),
      said: `{"model":"m","query":"q","documents":["a","b"],"top_n":1}`,
      want: `{"model":"there","query":"q","documents":["a","b"],"top_n":1}`,
    },
  ] as const
) {
  Deno.test(`is told: ${name}`, async () => {
    equal(await put(kind, said, to), want);
  });
}

const vector = (numbers: number[], other = {}) =>
  encode(
    JSON.stringify({ object: "list", model: "there", data: [{ index: 0, embedding: numbers }], ...other }),
  );

Deno.test("embeddings of llama-server are cut as the client wants them, which it does not do itself", async () => {
  const body = encode(`{"model":"here","input":"a","dimensions":2}`);
  const { translateWhole, body: sent } = await KINDS.embedding(body)(LLAMA) as Exchange;
  strictEqual(sent, body);
  const times = { now: () => 0, elapsedMs: () => 0, loadMs: 0 };
  const told = JSON.parse(
    decode(await translateWhole!(vector([3, 4, 12], { usage: { prompt_tokens: 1 } }), times)),
  );
  deepEqual(told.data, [{ index: 0, embedding: [0.6, 0.8] }]);
  deepEqual([told.model, told.usage, told.object], ["here", { prompt_tokens: 1 }, "list"]);
});

Deno.test("Ollama ranks nothing", () => {
  const exchange = KINDS.rerank(encode(`{"query":"q","texts":["a"]}`));
  throws(() => exchange(NODE), (error: Error) => {
    match(error.message, /cannot rerank/);
    return true;
  });
});
