import { deepEqual, equal, match, ok } from "node:assert/strict";
import { buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { OllamaBed } from "./ollama_bed.ts";

const TINY = {
  layers: 1,
  embeddingLength: 32,
  heads: 2,
  kvHeads: 1,
  feedForwardLength: 64,
  contextLength: 2_048,
};

/** What the recorded model was made from, by `ollama create` of 0.17.4. */
const PARTS = {
  license: "Second\nlicence",
  template:
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ if .Prompt }}<|im_start|>user\n" +
    "{{ .Prompt }}<|im_end|>\n{{ end }}<|im_start|>assistant\n",
  system: `You are a \\"tiny\\" model.`,
  params: {
    num_ctx: 2_048,
    num_predict: 1_000_000,
    repeat_penalty: 1.1,
    stop: ["<|im_end|>", `a \\"quoted\\" tab\té`],
    temperature: 0.7,
    top_p: 1,
    use_mmap: true,
  },
  messages: [{ role: "user", content: "hello" }, { role: "assistant", content: `hi \\"there\\"` }],
  config: { model_type: "43K", file_type: "F16" },
};

/** Ollama tells parameters in no order, and where its files are, which is nobody's affair. */
function comparable(answer: Record<string, unknown>): [string, unknown][] {
  const sorted = (text: unknown) => String(text).split("\n").toSorted();
  return Object.entries({
    ...answer,
    modelfile: sorted(answer["modelfile"]).map((line) => line.replace("/models/blobs/", "")),
    parameters: sorted(answer["parameters"]),
    details: { ...answer["details"] as object, parent_model: "" },
    modified_at: "some day",
  });
}

for (
  const { verbose, recorded } of [
    { verbose: false, recorded: "tiny.json" },
    { verbose: true, recorded: "tiny_verbose.json" },
  ]
) {
  Deno.test(`a model of ours is shown as Ollama shows it, ${verbose ? "with" : "without"} arrays`, async () => {
    await using bed = await OllamaBed.open();
    await bed.store.addModel("full", buildTinyModel(TINY), PARTS);
    const { status, headers, body } = await bed.ask("POST", "/api/show", { model: "FULL", verbose });
    equal(status, 200);
    equal(headers.get("content-type"), "application/json; charset=utf-8");
    const text = await Deno.readTextFile(new URL(`../../fixtures/ollama_show/${recorded}`, import.meta.url));
    const [ours, real] = [body, JSON.parse(text)].map(comparable);
    deepEqual(ours, real);
    equal(JSON.stringify(ours), JSON.stringify(real), "fields are in another order");
    ok(!JSON.stringify(body).includes(bed.store.home), "tells a path");
  });
}

Deno.test("a model that a node holds is shown in the node's words, also by its alias, and with what else was asked", async () => {
  await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
  await using bed = await OllamaBed.open({
    nodes: [nodeAt(node.url)],
    config: "aliases:\n  gpt-4: llama3:8b\n",
  });
  await bed.store.addModel("llama3:8b", buildTinyModel(TINY));
  const real = await (await fetch(`${node.url}/api/show`, { method: "POST", body: `{"model":"llama3:8b"}` }))
    .json();
  node.forget();
  const { status, body } = await bed.ask("POST", "/api/show", { name: "GPT-4", verbose: true, system: "s" });
  deepEqual([status, body], [200, real]);
  const [asked] = node.requests.filter(({ body }) => body.includes("verbose"));
  deepEqual(JSON.parse(asked!.body), { verbose: true, system: "s", model: "llama3:8b" });
});

Deno.test("a model that is on a node that has gone is shown from our own store, or there is a sentence", async () => {
  await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }, { name: "other:1" }] });
  await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url, { name: "a" })] });
  await bed.store.addModel("llama3:8b", buildTinyModel(TINY));
  await node.stop();
  const { status, body } = await bed.ask("POST", "/api/show", { model: "llama3:8b" });
  deepEqual([status, body.details.family], [200, "llama"]);
  const gone = await bed.ask("POST", "/api/show", { model: "other:1" });
  equal(gone.status, 502);
  match(gone.body.error, /^Cannot show model "other:1": a: /);
});

Deno.test("a model that its node has lost since it was asked is not found", async () => {
  await using node = await FakeOllamaNode.start();
  await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url, { name: "a" })] });
  node.removeModel("llama3:8b");
  const { status, body } = await bed.ask("POST", "/api/show", { model: "llama3:8b" });
  equal(status, 404, body.error);
});

Deno.test("an editor that shows people the base name gets the name that it asked for", async () => {
  await using bed = await OllamaBed.open();
  await bed.store.addModel("tiny", buildTinyModel(TINY));
  const { body } = await bed.ask("POST", "/api/show", { model: "tiny" }, {
    "user-agent": "GitHubCopilotChat/1.0",
  });
  equal(body.model_info["general.basename"], "tiny");
});

Deno.test("a file that is damaged is told of without its path", async () => {
  await using bed = await OllamaBed.open();
  await bed.store.addModel("cut", buildTinyModel(TINY).slice(0, 2_000));
  const { status, body } = await bed.ask("POST", "/api/show", { model: "cut" });
  equal(status, 422);
  match(body.error, /^Cannot use "cut:latest": /);
  ok(!body.error.includes("/"), body.error);
});

for (
  const { name, body, status, error } of [
    { name: "no body", body: "", status: 400, error: /^missing request body/ },
    { name: "no model", body: {}, status: 400, error: /^model is required$/ },
    { name: "an unknown model", body: { model: "nope" }, status: 404, error: /^model 'nope' not found$/ },
    {
      name: "nearly a model",
      body: { name: "tinny" },
      status: 404,
      error: /^model 'tinny' not found; did you mean "tiny:latest"\?$/,
    },
    { name: "no name", body: { model: "a b" }, status: 400, error: /"a b"/ },
    { name: "a number", body: { model: 5 }, status: 400, error: /^"model" must be text, not a number$/ },
    {
      name: "a verbose that is text",
      body: { model: "tiny", verbose: "yes" },
      status: 400,
      error: /^"verbose" must be/,
    },
    { name: "a list", body: [], status: 400, error: /JSON object/ },
    { name: "half a body", body: "{", status: 400, error: /not valid JSON/ },
    { name: "a path", body: { model: "../../etc/passwd" }, status: 400, error: /passwd/ },
  ]
) {
  Deno.test(`POST /api/show with ${name} is refused as Ollama does`, async () => {
    await using bed = await OllamaBed.open();
    await bed.store.addModel("tiny", buildTinyModel(TINY));
    const answer = await bed.ask("POST", "/api/show", body);
    equal(answer.status, status);
    deepEqual(Object.keys(answer.body), ["error"]);
    match(answer.body.error, error);
    deepEqual(bed.bugs, []);
  });
}

Deno.test("the version is the newest among the nodes that are up, or the one that we speak", async () => {
  await using old = await FakeOllamaNode.start({ version: "0.9.1" });
  await using recent = await FakeOllamaNode.start({ version: "0.31.0" });
  await using bed = await OllamaBed.open({ nodes: [nodeAt(old.url), nodeAt(recent.url)] });
  const { body, headers } = await bed.ask("GET", "/api/version");
  deepEqual([body, headers.has("x-sollol-request-id")], [{ version: "0.31.0" }, true]);
  await recent.stop();
  await bed.nodes.refresh({ signal: new AbortController().signal });
  deepEqual((await bed.ask("GET", "/api/version")).body, { version: "0.9.1" });
  await using none = await OllamaBed.open();
  match((await none.ask("GET", "/api/version")).body.version, /^\d+\.\d+\.\d+$/);
  equal((await none.send("HEAD", "/api/version")).status, 200);
});

Deno.test("Ollama's cloud is told to be off", async () => {
  await using bed = await OllamaBed.open();
  deepEqual((await bed.ask("GET", "/api/status")).body, { cloud: { disabled: true, source: "config" } });
});

Deno.test("what nodes have in memory is told as one list, as it is now", async () => {
  const model = { name: "llama3:8b", residentBytes: 6 * GIB };
  await using one = await FakeOllamaNode.start({ models: [model, { name: "small:1" }] });
  await using other = await FakeOllamaNode.start({ models: [model] });
  await using bed = await OllamaBed.open({
    nodes: [nodeAt(one.url, { name: "a" }), nodeAt(other.url, { name: "b" })],
  });
  deepEqual((await bed.ask("GET", "/api/ps")).body, { models: [] });
  one.load("llama3:8b", 60_000);
  one.load("small:1", 30_000);
  other.load("llama3:8b", Infinity);
  await bed.nodes.refresh({ signal: new AbortController().signal });
  const { body: { models } } = await bed.ask("GET", "/api/ps");
  deepEqual(models.map(({ name, sollol }: { name: string; sollol: unknown }) => [name, sollol]), [
    ["llama3:8b", { nodes: ["b", "a"], coordinators: [] }],
    ["small:1", { nodes: ["a"], coordinators: [] }],
  ]);
  const [{ expires_at: forever, sollol: _where, ...rest }] = models;
  ok(new Date(forever).getUTCFullYear() > 2_300, forever);
  const [real] = (await (await fetch(`${other.url}/api/ps`)).json()).models;
  const { expires_at: _real, ...known } = real;
  deepEqual(rest, known);
});

Deno.test("what a node has unloaded is not told any more once its word is a second old", async () => {
  await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
  node.load("llama3:8b");
  await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url)] });
  equal((await bed.ask("GET", "/api/ps")).body.models.length, 1);
  node.load("llama3:8b", 0);
  const isGone = async () => (await bed.ask("GET", "/api/ps")).body.models.length === 0;
  await until(isGone, "it is told no more", { withinMs: 4_000 });
});
