import { deepEqual, equal } from "node:assert/strict";
import { llamaMessagesBody } from "../../../lib/dialects/anthropic_llama_body.ts";
import { decodeMessages } from "../../../lib/dialects/anthropic_request.ts";
import type { UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function put(body: string, told: Partial<Pick<UpstreamFacts, "modelName" | "model">> = {}): string {
  const bytes = encode(body);
  const upstream = { modelName: undefined, model: undefined, ...told };
  return new TextDecoder().decode(llamaMessagesBody(bytes, decodeMessages(bytes), upstream));
}

const MESSAGES = '"messages":[ {"role":"user","content":"h\\u0069"} ]';
const TOOLS = '[{"name":"f","input_schema":{"maximum":1.0}} , {"name":"g","input_schema":{"minimum":1e400}}]';

Deno.test("all bytes pass that llama-server understands", () => {
  const body = `{ "model":"m", ${MESSAGES}, "big":123456789012345678901234567890, "tools":${TOOLS},
    "tool_choice":{"type":"any"}, "thinking":{"type":"adaptive"} }`;
  equal(put(body), body);
  equal(put(body, { modelName: "m", model: servedModel() }), body);
});

Deno.test("the model is called as the upstream calls it", () => {
  equal(put(`{"model":"m",${MESSAGES}}`, { modelName: "other" }), `{"model":"other",${MESSAGES}}`);
  equal(put(`{${MESSAGES}}`, { modelName: "other" }), `{"model":"other",${MESSAGES}}`);
});

Deno.test("a stored system message goes before chats that begin with none", () => {
  const model = servedModel({ system: 'be "kind"' });
  equal(put(`{${MESSAGES}}`, { model }), `{"system":"be \\"kind\\"",${MESSAGES}}`);
  equal(put(`{"system":null,${MESSAGES}}`, { model }), `{"system":"be \\"kind\\"",${MESSAGES}}`);
  const said = `{"system":[{"type":"text","text":"x"}],${MESSAGES}}`;
  equal(put(said, { model }), said);
  const first = '{"messages":[{"role":"system","content":"x"},{"role":"user","content":"y"}]}';
  equal(put(first, { model }), first);
});

Deno.test("stored turns go before the client's", () => {
  const model = servedModel({
    messages: [{ role: "user", content: "a" }, { role: "assistant", content: "b" }],
  });
  equal(
    put(`{"messages":[],${MESSAGES}}`, { model }).split('"messages":').length,
    3,
    "both of the equal keys stay",
  );
  const turns = '{"role":"user","content":"a"},{"role":"assistant","content":"b"}';
  equal(put(`{${MESSAGES}}`, { model }), `{"messages":[${turns}, {"role":"user","content":"h\\u0069"} ]}`);
});

Deno.test("a tool that must be called becomes the only one, byte for byte", () => {
  equal(
    put(`{${MESSAGES},"tools":${TOOLS},"tool_choice":{"type":"tool","name":"g"}}`),
    `{${MESSAGES},"tools":[{"name":"g","input_schema":{"minimum":1e400}}],"tool_choice":{"type":"any"}}`,
  );
});

Deno.test("tools that must not be called are left out, for llama-server would take any", () => {
  equal(
    put(`{${MESSAGES},"tools":${TOOLS},"tool_choice":{"type":"none"}}`),
    `{${MESSAGES},"tools":[],"tool_choice":{"type":"auto"}}`,
  );
});

for (
  const { name, said, want } of [
    { name: "no", said: { thinking: { type: "disabled" } }, want: { enable_thinking: false } },
    {
      name: "yes",
      said: { thinking: { type: "enabled", budget_tokens: 1_024 } },
      want: { enable_thinking: true },
    },
    {
      name: "how much",
      said: { output_config: { effort: "low" } },
      want: { enable_thinking: true, reasoning_effort: "low" },
    },
  ]
) {
  Deno.test(`the template is told whether to think: ${name}`, () => {
    const body = { messages: [{ role: "user", content: "x" }], ...said };
    deepEqual(JSON.parse(put(JSON.stringify(body))), { ...body, chat_template_kwargs: want });
    const own = { ...body, chat_template_kwargs: { enable_thinking: "auto" } };
    deepEqual(JSON.parse(put(JSON.stringify(own))), own, "the client's own word to the template stays");
  });
}
