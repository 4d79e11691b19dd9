import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { anthropicExchange } from "../../../lib/dialects/anthropic_exchange.ts";
import { decodeMessages } from "../../../lib/dialects/anthropic_request.ts";
import type { AnswerTimes, Exchange, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { recordedMessages, recordedOllamaChat } from "../../fixtures/recorded_chat.ts";
import { recordedAnswer } from "../../fixtures/llama_server_streams.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const TIMES: AnswerTimes = { now: () => 0, elapsedMs: () => 0, loadMs: 0 };

const ASKED = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "hi" }] };
const TOOLS = [{ name: "f", input_schema: { type: "object" } }];
const FORMAT = { format: { type: "json_schema", schema: { type: "object" } } };
const PNG = btoa("\x89PNG\r\n\x1a\n....");
const WEBP = btoa("RIFF\0\0\0\0WEBPVP8 ");
const picture = (data: string) => ({
  messages: [{ role: "user", content: [{ type: "image", source: { type: "base64", data } }] }],
});

const LLAMA: UpstreamFacts = {
  kind: "llama-server",
  modelName: undefined,
  model: undefined,
  ask: () => Promise.reject(new TypeError("nobody asks")),
};
const NODE: UpstreamFacts = { ...LLAMA, kind: "ollama", modelName: "m:latest" };

function put(said: Record<string, unknown>, upstream: UpstreamFacts): Exchange {
  const body = encode({ ...ASKED, ...said });
  const exchange = anthropicExchange(body, decodeMessages(body), "r-1")(upstream);
  ok(!(exchange instanceof Promise) && "target" in exchange);
  return exchange;
}

async function wholeOf({ translateWhole }: Exchange, answer: Uint8Array): Promise<Record<string, unknown>> {
  return JSON.parse(decode(await translateWhole!(answer, TIMES)));
}

async function streamOf({ translateStream }: Exchange, answer: Uint8Array): Promise<string> {
  const translator = translateStream!(TIMES);
  return decode(translator.push(answer)) + decode(await translator.end());
}

Deno.test("a llama-server gets the client's bytes", async () => {
  const exchange = put({}, LLAMA);
  equal(decode(exchange.body), JSON.stringify(ASKED));
  deepEqual([exchange.target, exchange.stream, exchange.format], ["/v1/messages", false, "anthropic"]);
  equal((await wholeOf(exchange, recordedMessages("tool_use.json")))["model"], "m");
  const stream = await streamOf(put({ stream: true }, LLAMA), recordedMessages("thinking.sse"));
  match(stream, /"model":"m"[^]*message_stop"}\n\n$/);
});

Deno.test("a node is asked by /api/chat, and refuses what is too long", () => {
  const exchange = put({ stream: true, system: "be kind" }, NODE);
  deepEqual([exchange.target, exchange.stream, exchange.format], ["/api/chat", true, "ollama"]);
  deepEqual(JSON.parse(decode(exchange.body)), {
    model: "m:latest",
    messages: [{ role: "system", content: "be kind" }, { role: "user", content: "hi" }],
    options: { num_predict: 10 },
    stream: true,
    truncate: false,
  });
});

Deno.test("a node's answer is told as Anthropic's", async () => {
  const whole = await wholeOf(put({}, NODE), recordedOllamaChat("thinking.json"));
  deepEqual(whole, {
    id: "msg_r1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "thinking", thinking: "hmm", signature: "" }, {
      type: "text",
      text: "that will she such well",
    }],
    stop_reason: "max_tokens",
    stop_sequence: null,
    usage: {
      input_tokens: 23,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 8,
    },
  });
  const stream = await streamOf(put({ stream: true }, NODE), recordedOllamaChat("tool_calls.ndjson"));
  match(stream, /"stop_reason":"tool_use"[^]*message_stop"}\n\n$/);
  const [, estimate] = /"input_tokens":(\d+)/.exec(stream)!;
  ok(Number(estimate) > 0, "the beginning tells an estimate");
});

Deno.test("what breaks a node's stream ends the client's without success", async () => {
  const stream = await streamOf(put({ stream: true }, NODE), recordedOllamaChat("error.ndjson"));
  match(stream, /event: error\ndata: \{"type":"error".*CUDA error: out of memory.*\n\n$/);
  ok(!stream.includes("message_stop"));
});

Deno.test("a node's nonsense is not understood", () => {
  const translator = put({ stream: true }, NODE).translateStream!(TIMES);
  throws(() => translator.push(new TextEncoder().encode("<html>\n")), SyntaxError);
});

Deno.test("an answer of a certain form is asked of llama-server as OpenAI's clients ask", async () => {
  const exchange = put({ output_config: FORMAT, stream: true }, { ...LLAMA, model: servedModel() });
  deepEqual([exchange.target, exchange.stream, exchange.format], ["/v1/chat/completions", true, "openai"]);
  const body = JSON.parse(decode(exchange.body));
  deepEqual(body.response_format.json_schema.schema, { type: "object" });
  equal(body.n_predict, 10);
  const stream = await streamOf(exchange, recordedAnswer("text.sse"));
  match(stream, /event: message_start[^]*text_delta[^]*message_stop"}\n\n$/);
  deepEqual(JSON.parse(decode(put({ output_config: FORMAT }, NODE).body)).format, { type: "object" });
});

for (
  const { name, content, want } of [
    { name: "without what it goes on from", content: '{"a":1}', want: "1}" },
    { name: "as it is, where it does not begin with that", content: "[1]", want: "[1]" },
  ]
) {
  Deno.test(`a whole answer of a certain form is told ${name}`, async () => {
    const messages = [...ASKED.messages, { role: "assistant", content: '{"a":' }];
    const exchange = put({ output_config: FORMAT, messages }, LLAMA);
    const message = { role: "assistant", content };
    const answer = await wholeOf(exchange, encode({ choices: [{ message, finish_reason: "stop" }] }));
    deepEqual(answer["content"], [{ type: "text", text: want }]);
  });
}

const REFUSED = new TextEncoder().encode('{"error":"\\"m\\" does not support thinking"}');

Deno.test("a node's model that does not think is asked without", () => {
  const exchange = put({ thinking: { type: "enabled" } }, NODE);
  equal(JSON.parse(decode(exchange.body)).think, true);
  const next = exchange.afterRefusal!({ status: 400, body: REFUSED });
  equal(JSON.parse(decode(next!.body)).think, undefined);
  equal(next!.afterRefusal!({ status: 400, body: REFUSED }), undefined);
});

Deno.test("a node's model that does not know how much to think is asked whether", () => {
  const exchange = put({ output_config: { effort: "max" } }, NODE);
  equal(JSON.parse(decode(exchange.body)).think, "max");
  const body = encode({
    error: 'invalid think value: "max" (must be "high", "medium", "low", true, or false)',
  });
  const next = exchange.afterRefusal!({ status: 400, body });
  equal(JSON.parse(decode(next!.body)).think, true);
  equal(JSON.parse(decode(next!.afterRefusal!({ status: 400, body: REFUSED })!.body)).think, undefined);
  equal(JSON.parse(decode(exchange.afterRefusal!({ status: 400, body: REFUSED })!.body)).think, undefined);
});

Deno.test("other refusals of a node stand", () => {
  const exchange = put({ thinking: { type: "enabled" } }, NODE);
  for (
    const [status, error] of [[400, "does not support tools"], [500, "cannot think"], [
      404,
      "thinker",
    ]] as const
  ) {
    equal(exchange.afterRefusal!({ status, body: encode({ error }) }), undefined);
  }
  const silent = put({ thinking: { type: "disabled" } }, NODE);
  equal(silent.afterRefusal!({ status: 400, body: REFUSED }), undefined);
});

for (
  const { name, said, model, message, field } of [
    {
      name: "tools",
      said: { tools: TOOLS },
      model: servedModel({ capabilities: new Set(["completion"]) }),
      message: '"m" does not support tools',
      field: "tools",
    },
    {
      name: "pictures",
      said: picture(PNG),
      model: servedModel(),
      message: '"m" does not support images',
      field: "messages",
    },
    {
      name: "chats",
      said: {},
      model: servedModel({ capabilities: new Set(["embedding"]) }),
      message: '"m" does not support chat',
      field: "model",
    },
    {
      name: "WebP",
      said: picture(WEBP),
      model: servedModel({ capabilities: new Set(["completion", "vision"]) }),
      message: "A picture is WebP, which llama.cpp cannot decode; convert it to PNG or JPEG",
      field: "messages",
    },
  ]
) {
  Deno.test(`a coordinator whose model cannot do ${name} is not asked for them`, () => {
    throws(() => put(said, { ...LLAMA, model }), (error: unknown) => {
      ok(error instanceof GatewayError);
      deepEqual([error.code, error.message, error.field], ["invalid_request", message, field]);
      return true;
    });
  });
}

Deno.test("what is known of nobody's model is left to its upstream", () => {
  put({ tools: TOOLS }, LLAMA);
  put(picture(PNG), LLAMA);
  put(picture(WEBP), NODE);
  put({ tools: TOOLS, tool_choice: { type: "none" } }, {
    ...LLAMA,
    model: servedModel({ capabilities: new Set(["completion"]) }),
  });
});

Deno.test("an answer that goes on from the client's words does not repeat them", async () => {
  const messages = [...ASKED.messages, { role: "assistant", content: [{ type: "text", text: "well" }] }];
  const whole = await wholeOf(put({ messages }, LLAMA), recordedMessages("begun.json"));
  deepEqual(whole["content"], [{ type: "text", text: " sam" }]);
});
