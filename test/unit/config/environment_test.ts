import { deepEqual, equal } from "node:assert/strict";
import { readEnvironment, variableOf } from "../../../lib/config/environment.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { describeSource } from "../../../lib/config/source.ts";

Deno.test("every key has a variable of its own", () => {
  const variables = ["SOLLOL_CONFIG", ...configKeys().map(({ path }) => variableOf(path))];
  equal(new Set(variables).size, variables.length);
  equal(variables.every((name) => /^SOLLOL_[A-Z_]+$/.test(name)), true);
});

for (
  const { variable, text, want } of [
    { variable: "SOLLOL_LISTEN", text: "8080", want: { listen: "8080" } },
    { variable: "SOLLOL_MODEL", text: "7", want: { model: "7" } },
    {
      variable: "SOLLOL_COORDINATOR_CONTEXT_SIZE",
      text: "8192",
      want: { coordinator: { context_size: 8192 } },
    },
    { variable: "SOLLOL_COORDINATOR_SLOTS", text: "two", want: { coordinator: { slots: "two" } } },
    { variable: "SOLLOL_METRICS", text: "off", want: { metrics: false } },
    { variable: "SOLLOL_MODEL_SHARDING_ENABLED", text: "TRUE", want: { model_sharding_enabled: true } },
    { variable: "SOLLOL_ORIGINS", text: "*, http://a:1", want: { origins: ["*", "http://a:1"] } },
    { variable: "SOLLOL_API_KEYS", text: "a, b,,", want: { api_keys: ["a", "b"] } },
    {
      variable: "SOLLOL_COORDINATOR_EXTRA_ARGS",
      text: "-ts 1,2  --mlock",
      want: { coordinator: { extra_args: ["-ts", "1,2", "--mlock"] } },
    },
    { variable: "RPC_BACKENDS", text: "a:1,b", want: { rpc_backends: ["a:1", "b"] } },
    { variable: "RPC_BACKENDS", text: "[::1]:7,[fd00::1]", want: { rpc_backends: ["[::1]:7", "[fd00::1]"] } },
    {
      variable: "OLLAMA_NODES",
      text: ' [{"url": "a", "slots": 2}, "b"]',
      want: { ollama_nodes: [{ url: "a", slots: 2 }, "b"] },
    },
    { variable: "OLLAMA_NODES", text: "[]", want: { ollama_nodes: [] } },
    {
      variable: "SOLLOL_OLLAMA_NODES",
      text: '[{"url": "a", slots: 2}]',
      want: { ollama_nodes: '[{"url": "a", slots: 2}]' },
    },
    {
      variable: "SOLLOL_COORDINATOR_EXTRA_ARGS",
      text: '["a b"]',
      want: { coordinator: { extra_args: ["a b"] } },
    },
    { variable: "OLLAMA_MODELS", text: "/srv/a,b", want: { models: ["/srv/a,b"] } },
    { variable: "SOLLOL_MODEL", text: " ", want: {} },
    { variable: "RPC_BACKENDS", text: "", want: {} },
    { variable: "SOLLOL_CONFIG", text: "/x", want: {} },
  ]
) {
  Deno.test(`readEnvironment() reads ${variable}="${text}"`, () => {
    const { layer, warnings } = readEnvironment({ [variable]: text });
    deepEqual(layer.values, want);
    deepEqual(warnings, []);
    deepEqual(
      [...layer.sources.values()].map(describeSource),
      Object.keys(want).map(() => `environment ${variable}`),
    );
  });
}

Deno.test("readEnvironment() lets our own variable win over a borrowed one", () => {
  const { layer } = readEnvironment({ SOLLOL_RPC_BACKENDS: "ours", RPC_BACKENDS: "theirs" });
  deepEqual(layer.values, { rpc_backends: ["ours"] });
  equal(describeSource(layer.sources.get("rpc_backends")!), "environment SOLLOL_RPC_BACKENDS");
});

Deno.test("readEnvironment() warns of a variable of ours that means nothing, and of no other", () => {
  const { warnings } = readEnvironment({ SOLLOL_LISTN: "1", SOLLOL_QQQQQQQQ: "1", HOME: "/h", LISTEN: "2" });
  deepEqual(warnings, [
    'environment variable SOLLOL_LISTN means nothing; did you mean "SOLLOL_LISTEN"?',
    "environment variable SOLLOL_QQQQQQQQ means nothing",
  ]);
});
