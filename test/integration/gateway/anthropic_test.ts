import Anthropic from "@anthropic-ai/sdk";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { SseReader } from "../../../lib/stream/sse_reader.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { MODEL, NodeRouteBed, read } from "./node_route_bed.ts";

const HI = { model: MODEL, max_tokens: 20, messages: [{ role: "user" as const, content: "hi" }] };
const TOOL = {
  name: "weather",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] },
};
/** Tokens come so slowly that a test can act between them. */
const SLOW = { tokensPerSecond: 50 };

function clientOf(url: string): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
}

function typesIn(text: string): string[] {
  return new SseReader().push(new TextEncoder().encode(text)).map(({ type }) => type);
}

Deno.test("a message over a node: whole and as a stream the same form, with the node's figures", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { messages } = clientOf(bed.gateway.url);
  const whole = await messages.create(HI);
  const streamed = await messages.stream(HI).finalMessage();
  deepEqual([whole.model, whole.stop_reason], [MODEL, "end_turn"]);
  for (const message of [whole, streamed]) {
    deepEqual(message.content.map(({ type }) => type), ["text"]);
    ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
    match(message.id, /^msg_[0-9a-f]{32}$/);
  }
  equal(bed.a.counts.get("/api/chat"), 2);
});

Deno.test("a full loop with a tool over a node", async () => {
  await using bed = await NodeRouteBed.open([{
    models: [{ name: MODEL, capabilities: ["completion", "tools"] }],
  }]);
  const { messages } = clientOf(bed.gateway.url);
  const first = await messages.stream({ ...HI, tools: [TOOL] }).finalMessage();
  equal(first.stop_reason, "tool_use");
  const [call] = first.content;
  ok(call?.type === "tool_use" && call.name === "weather");
  const told = { type: "tool_result" as const, tool_use_id: call.id, content: "sunny" };
  const { content } = await messages.create({
    ...HI,
    tools: [TOOL],
    messages: [...HI.messages, { role: "assistant", content: first.content }, {
      role: "user",
      content: [told],
    }],
  });
  match(content[0]?.type === "text" ? content[0].text : "", /sunny/);
});

Deno.test("a node's model that does not think answers whoever asks it to", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const asked = { ...HI, max_tokens: 2_000, thinking: { type: "enabled", budget_tokens: 1_024 } } as const;
  equal((await clientOf(bed.gateway.url).messages.create(asked)).stop_reason, "end_turn");
});

Deno.test("tokens of a prompt for a node are told as an estimate", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { max_tokens: _, ...asked } = HI;
  const { input_tokens } = await clientOf(bed.gateway.url).messages.countTokens(asked);
  ok(input_tokens > 0);
  const { text } = await read(bed.post("/v1/messages/count_tokens", asked));
  equal(JSON.parse(text).sollol.is_estimate, true);
});

Deno.test("a node that dies amid a stream ends it with an error event", async () => {
  await using bed = await NodeRouteBed.open([SLOW]);
  const asked = read(bed.post("/v1/messages", { ...HI, stream: true }));
  await until(() => bed.gateway.nodes.nodes[0]!.firstTokenMs !== undefined, "its first token");
  await bed.a.stop();
  const { status, text } = await asked;
  equal(status, 200);
  const types = typesIn(text);
  deepEqual([types[0], types.at(-1)], ["message_start", "error"]);
  ok(!types.includes("message_stop"));
});

Deno.test("a client of the SDK learns of a stream that broke", async () => {
  await using bed = await NodeRouteBed.open([SLOW]);
  bed.a.behave("reset_mid_stream");
  await rejects(clientOf(bed.gateway.url).messages.stream(HI).finalMessage(), Anthropic.APIError);
});

Deno.test("a client that leaves stops the node", async () => {
  await using bed = await NodeRouteBed.open([SLOW]);
  const stream = clientOf(bed.gateway.url).messages.stream({ ...HI, max_tokens: 10_000 });
  await new Promise((resolve) => stream.once("text", resolve));
  const ended = rejects(stream.done(), Anthropic.APIUserAbortError);
  stream.abort();
  await ended;
  await until(() => bed.a.inFlight === 0, "the node's end");
});

for (
  const { name, said, status, type, message } of [
    {
      name: "a model that nobody has",
      said: { ...HI, model: "nope" },
      status: 404,
      type: "not_found_error",
      message: /nope/,
    },
    {
      name: "a stream that is text",
      said: { ...HI, stream: "yes" },
      status: 400,
      type: "invalid_request_error",
      message: /"stream" must be true or false/,
    },
    {
      name: "an address of a picture",
      said: {
        ...HI,
        messages: [{
          role: "user",
          content: [{ type: "image", source: { type: "url", url: "http://127.0.0.1/" } }],
        }],
      },
      status: 400,
      type: "invalid_request_error",
      message: /is not fetched here/,
    },
    {
      name: "tools that the model does not know",
      said: { ...HI, tools: [TOOL] },
      status: 400,
      type: "invalid_request_error",
      message: /does not support tools/,
    },
  ]
) {
  Deno.test(`a refusal is in Anthropic's form: ${name}`, async () => {
    await using bed = await NodeRouteBed.open([{ models: [{ name: MODEL, capabilities: ["completion"] }] }]);
    for (const path of ["/v1/messages", "/v1/messages?beta=true"]) {
      const answer = await read(bed.post(path, said));
      const { type: kind, error, request_id } = JSON.parse(answer.text);
      deepEqual([answer.status, kind, error.type], [status, "error", type]);
      match(error.message, message);
      ok(request_id);
    }
  });
}

Deno.test("other methods are refused in Anthropic's form", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  for (const path of ["/v1/messages", "/v1/messages/count_tokens"]) {
    const response = await fetch(bed.gateway.url + path);
    deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
    equal((await response.json()).type, "error");
  }
});

Deno.test("a coordinator gets the client's bytes", async () => {
  await using bed = await GatewayBed.open();
  const body = `{ "model":"fake", "max_tokens":5, "x":1.0, "messages":[{"role":"user","content":"hi"}] }`;
  const response = await fetch(`${bed.url}/v1/messages`, { method: "POST", body });
  const [seen] = bed.upstream.seen;
  match(seen!.line, /^POST \/v1\/messages /);
  equal(seen!.body, body);
  await response.body?.cancel();
});
