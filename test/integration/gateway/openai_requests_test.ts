import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import OpenAI from "openai";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { askedOf, MODEL, NodeRouteBed, OddNode, read } from "./node_route_bed.ts";

const clientOf = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 });
const WORDS = { "content-type": "application/json" };

Deno.test("a node is told in its words what OpenAI's clients say, and is asked for nothing that it does not have", async () => {
  await using odd = new OddNode(() => Response.json({ id: "x", choices: [] }));
  await using bed = await NodeRouteBed.open([odd]);
  const sent = {
    model: MODEL,
    max_completion_tokens: 5,
    tool_choice: { type: "function", function: { name: "g" } },
    tools: [{ type: "function", function: { name: "f" } }, { type: "function", function: { name: "g" } }],
    messages: [
      { role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }] },
      { role: "tool", tool_call_id: "1", content: [{ type: "text", text: "5" }] },
    ],
  };
  equal((await read(bed.post("/v1/chat/completions", sent))).status, 200);
  deepEqual(JSON.parse(odd.asked[0]!), {
    ...sent,
    max_tokens: 5,
    tools: [{ type: "function", function: { name: "g" } }],
    messages: [{ role: "user", content: "a\nb" }, { role: "tool", tool_call_id: "1", content: "5" }],
  });
});

Deno.test("a coordinator is told in its words what OpenAI's clients say", async () => {
  await using bed = await GatewayBed.open();
  const messages = [{ role: "assistant", content: "a", name: null }, { role: "user", content: "b" }];
  const tools = [{ function: { name: "f", description: null } }, {
    type: "function",
    function: { name: "g" },
  }];
  const choice = { type: "function", function: { name: "f" } };
  const asked = await bed.chat({ messages, tools, tool_choice: choice });
  equal(asked.status, 200, await asked.text());
  const seen = JSON.parse(bed.upstream.seen[0]!.body);
  deepEqual(seen.messages, [{ role: "assistant", content: "a", name: "" }, { role: "user", content: "b" }]);
  deepEqual(seen.tools, [{ type: "function", function: { name: "f", description: "" } }]);
  equal(seen.tool_choice, "required");
});

Deno.test("what is wrong is refused before anybody is asked, with the field, in all forms", async () => {
  await using odd = new OddNode(() => Response.json({}));
  await using bed = await NodeRouteBed.open([odd]);
  const picture = { type: "image_url", image_url: { url: "http://169.254.169.254/latest/meta-data" } };
  for (
    const [path, body, param] of [
      [
        "/v1/chat/completions",
        { messages: [{ role: "user", content: [picture] }] },
        "messages[0].content[0].image_url.url",
      ],
      ["/v1/chat/completions", { messages: [{ role: "user", content: 5 }] }, "messages[0].content"],
      ["/v1/completions", { prompt: {} }, "prompt"],
      ["/v1/embeddings", { input: [] }, "input"],
      ["/v1/embeddings", { input: "a", dimensions: -1 }, "dimensions"],
      ["/v1/responses", { input: "a", previous_response_id: "resp_1" }, "previous_response_id"],
      ["/v1/responses", {
        input: [{ role: "user", content: [{ type: "input_image", image_url: "https://h/" }] }],
      }, "input[0].content[0].image_url"],
      ["/v1/rerank", { query: "q" }, "documents"],
    ] as const
  ) {
    const { status, text } = await read(bed.post(path, { model: MODEL, ...body }));
    const { error } = JSON.parse(text);
    deepEqual([status, error.param, error.type], [400, param, "invalid_request_error"], path);
  }
  deepEqual(odd.asked, []);
});

Deno.test("JSON that nests so deep that it would kill a coordinator is refused", async () => {
  await using bed = await GatewayBed.open();
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  for (
    const [path, said] of [
      ["/v1/chat/completions", `"messages":[{"role":"user","content":"a"}]`],
      ["/v1/completions", `"prompt":"a"`],
      ["/v1/embeddings", `"input":"a"`],
      ["/v1/responses", `"input":"a"`],
      ["/v1/rerank", `"query":"a","documents":["b"]`],
    ]
  ) {
    const body = `{"model":"fake",${said},"unknown":${deep}}`;
    const answer = await fetch(bed.url + path, { method: "POST", body, headers: WORDS });
    equal(answer.status, 400, path);
    match(await answer.text(), /nested deeper than/);
  }
  deepEqual(bed.coordinators, []);
});

for (const stream of [false, true]) {
  Deno.test(`OpenAI's client has a response of a node, ${stream ? "streamed" : "whole"}`, async () => {
    await using bed = await NodeRouteBed.open([{}]);
    const asked = { model: MODEL, input: "say it", max_output_tokens: 4 };
    const client = clientOf(bed.gateway.url);
    if (stream) {
      const types: string[] = [];
      let text = "";
      for await (const event of await client.responses.create({ ...asked, stream })) {
        types.push(event.type);
        if (event.type === "response.output_text.delta") text += event.delta;
      }
      equal(types[0], "response.created");
      equal(types.at(-1), "response.completed");
      ok(text.length > 0);
    } else {
      const response = await client.responses.create(asked);
      equal(response.status, "completed");
      equal(response.model, MODEL);
      ok(response.output_text.length > 0);
    }
    equal(askedOf(bed.a)[0]!.path, "/v1/responses");
    await bed.untilIdle();
  });
}

for (const mode of ["reset_mid_stream", "runner_crash"] as const) {
  Deno.test(`a response that breaks (${mode}) ends with an error event, never as if it were whole`, async () => {
    await using bed = await NodeRouteBed.open([{}]);
    bed.a.behave(mode, { afterTokens: 3 });
    const { text } = await read(bed.post("/v1/responses", { model: MODEL, input: "a", stream: true }));
    ok(text.includes("response.output_text.delta"));
    match(text, /event: error\ndata: \{.*"type":"error".*\}\n\n$/);
    ok(!text.includes("response.completed"));
  });
}

Deno.test("OpenAI's client hears of a response that breaks", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("reset_mid_stream", { afterTokens: 3 });
  const stream = await clientOf(bed.gateway.url).responses.create({ model: MODEL, input: "a", stream: true });
  let last = "";
  let heard: unknown;
  try {
    for await (const { type } of stream) last = type;
  } catch (error) {
    heard = error;
  }
  ok(last === "error" || heard instanceof OpenAI.APIError, `ended with ${last}`);
});

Deno.test("when the client of a response leaves the node stops", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("hang_inference");
  const leaving = new AbortController();
  const body = { model: MODEL, input: "a", stream: true };
  const asked = read(bed.post("/v1/responses", body, { signal: leaving.signal }));
  await until(() => bed.a.inFlight === 1, "the node is at work");
  leaving.abort();
  await rejects(asked);
  await bed.untilIdle();
});

Deno.test("a node that is too old for responses is passed over for one that is not", async () => {
  await using bed = await NodeRouteBed.open([{ version: "0.12.0" }, {}]);
  const { status, headers } = await read(bed.post("/v1/responses", { model: MODEL, input: "a" }));
  equal(status, 200);
  equal(headers.get("x-sollol-upstream"), "b");
});

for (const path of ["/v1/rerank", "/v1/reranking"]) {
  Deno.test(`${path} goes to a coordinator, by one name`, async () => {
    await using bed = await GatewayBed.open();
    const body = { model: "fake", query: "q", documents: ["a", "b"] };
    const answer = await fetch(bed.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: WORDS,
    });
    equal(answer.status, 200, await answer.text());
    match(bed.upstream.seen[0]!.line, /^POST \/v1\/rerank /);
  });
}

Deno.test("no node is asked to rank, whatever it holds", async () => {
  await using odd = new OddNode(() => Response.json({}));
  await using bed = await NodeRouteBed.open([odd]);
  const { status, text } = await read(bed.post("/v1/rerank", { model: MODEL, query: "q", documents: ["a"] }));
  ok(status >= 400 && status < 600, text);
  ok(JSON.parse(text).error.message.length > 0);
  deepEqual(odd.asked, []);
});
