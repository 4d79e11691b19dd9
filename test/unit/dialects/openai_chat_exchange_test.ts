import { equal } from "node:assert/strict";
import type { Exchange, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { openaiChatExchange } from "../../../lib/dialects/openai_exchange.ts";
import { decodeChatEnvelope } from "../../../lib/dialects/openai_request.ts";
import { servedModel } from "../../fixtures/served_model.ts";

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

const TOOLS =
  `[{"type":"function","function":{"name":"f","parameters":{"x":1.0}}},{"type":"function","function":{"name":"g"}}]`;
const G = `{"type":"function","function":{"name":"g"}}`;

for (
  const { name, to, said, want } of [
    {
      name: "the model's name at the upstream",
      to: upstream({ modelName: "there" }),
      said: `{"model":"here","messages":[{"role":"user","content":"a"}]}`,
      want: `{"model":"there","messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "the limit of an answer to a node by its old name",
      to: NODE,
      said: `{"max_completion_tokens":7,"messages":[{"role":"user","content":"a"}]}`,
      want: `{"max_tokens":7,"max_completion_tokens":7,"messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "the limit of an answer to llama-server as it is",
      to: LLAMA,
      said: `{"max_completion_tokens":7,"messages":[{"role":"user","content":"a"}]}`,
      want: `{"max_completion_tokens":7,"messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "the texts of a message to a node as one",
      to: NODE,
      said:
        `{"messages":[{"role":"user","content":[{"type":"text","text":"a\\n"},{"type":"text","text":"\\u00e9"}]}],"x":1.0}`,
      want: `{"messages":[{"role":"user","content":"a\\n\\né"}],"x":1.0}`,
    },
    {
      name: "a tool's result in parts to a node with its id",
      to: NODE,
      said:
        `{"messages":[{"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"5"}]},{"role":"tool","tool_call_id":"2","content":[]}]}`,
      want:
        `{"messages":[{"role":"tool","tool_call_id":"1","content":"5"},{"role":"tool","tool_call_id":"2","content":""}]}`,
    },
    {
      name: "texts around a picture to a node as one before it",
      to: NODE,
      said:
        `{"messages":[{"role":"user","content":[{"type":"text","text":"a"}, {"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"text":"b","type":"text"}]}]}`,
      want:
        `{"messages":[{"role":"user","content":[{"type":"text","text":"a\\nb"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}`,
    },
    {
      name: "one text and a picture to a node as they are",
      to: NODE,
      said:
        `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"text":"b","type":"text"}]}]}`,
      want:
        `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},{"text":"b","type":"text"}]}]}`,
    },
    {
      name: "parts to llama-server as they are",
      to: LLAMA,
      said:
        `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
      want:
        `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
    },
    {
      name: "arguments that are an object to a node as text",
      to: NODE,
      said:
        `{"messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{"b":1.0, "a":"\\""}}}]}]}`,
      want:
        `{"messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\\"b\\":1.0, \\"a\\":\\"\\\\\\"\\"}"}}]}]}`,
    },
    {
      name: "nothing for nothing to llama-server, which wants text",
      to: LLAMA,
      said:
        `{"messages":[{"role":"assistant","content":null,"name":null,"reasoning_content":null,"tool_calls":[{"id":null,"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":null,"content":"5"}],"tools":[{"function":{"name":"f","description":null}}]}`,
      want:
        `{"messages":[{"role":"assistant","content":null,"name":"","reasoning_content":"","tool_calls":[{"type":"function","id":"","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"","content":"5"}],"tools":[{"type":"function","function":{"name":"f","description":""}}]}`,
    },
    {
      name: "to llama-server only the tool that must be called",
      to: LLAMA,
      said:
        `{"tools":${TOOLS},"tool_choice":{"type":"function","function":{"name":"g"}},"messages":[{"role":"user","content":"a"}]}`,
      want: `{"tools":[${G}],"tool_choice":"required","messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "to a node only the tool that must be called",
      to: NODE,
      said:
        `{"tools":${TOOLS},"tool_choice":{"type":"function","function":{"name":"g"}},"messages":[{"role":"user","content":"a"}]}`,
      want:
        `{"tools":[${G}],"tool_choice":{"type":"function","function":{"name":"g"}},"messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "to llama-server only the tools that are allowed",
      to: LLAMA,
      said:
        `{"tools":${TOOLS},"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}},"messages":[{"role":"user","content":"a"}]}`,
      want: `{"tools":[${G}],"tool_choice":"auto","messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "no tools to a node if none may be called",
      to: NODE,
      said: `{"tools":${TOOLS},"tool_choice":"none","messages":[{"role":"user","content":"a"}]}`,
      want: `{"tools":[],"tool_choice":"none","messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "that a tool must be called to a node as it is",
      to: NODE,
      said: `{"tools":${TOOLS},"tool_choice":"required","messages":[{"role":"user","content":"a"}]}`,
      want: `{"tools":${TOOLS},"tool_choice":"required","messages":[{"role":"user","content":"a"}]}`,
    },
    {
      name: "what is stored with a model before the client's messages",
      to: upstream({
        model: servedModel({ system: 'be "kind"', messages: [{ role: "user", content: "q" }] }),
      }),
      said: `{"messages": [ {"role":"user","content":"a"}]}`,
      want:
        `{"messages": [{"role":"system","content":"be \\"kind\\""},{"role":"user","content":"q"}, {"role":"user","content":"a"}]}`,
    },
    {
      name: "the client's system message before the model's",
      to: upstream({ model: servedModel({ system: "kind", messages: [{ role: "user", content: "q" }] }) }),
      said: `{"messages":[{"role":"developer","content":"a"}]}`,
      want: `{"messages":[{"role":"user","content":"q"},{"role":"developer","content":"a"}]}`,
    },
  ] as const
) {
  Deno.test(`an upstream of a chat is told: ${name}`, async () => {
    const body = new TextEncoder().encode(said);
    const exchange = await openaiChatExchange(body, decodeChatEnvelope(body))(to) as Exchange;
    equal(new TextDecoder().decode(exchange.body), want);
  });
}
