import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

const weights = buildTinyModel({ layers: 3, contextLength: 2048, name: "tiny" });

async function resolve(args: string[], env: Record<string, string> = {}) {
  const host = new FakeCliHost({ env });
  const exitCode = await runCli(createRoot(), ["resolve", ...args], host);
  return { exitCode, host };
}

Deno.test("sollol resolve tells where a model of an Ollama store is and what it is", async () => {
  await using store = await OllamaStoreFixture.create();
  const added = await store.addModel("tiny:1b", weights, {
    params: { num_ctx: 1024, stop: ["<|end|>"] },
    projector: weights,
  });
  const { exitCode, host } = await resolve(["tiny:1b", "--models", store.directory, "--json"]);
  equal(exitCode, 0, host.stderr.text);
  const { manifestDigest, parameterCount, warnings, ...model } = host.json() as Record<string, unknown>;
  match(String(manifestDigest), /^[0-9a-f]{64}$/);
  equal(Number(parameterCount) > 100_000, true);
  equal(Array.isArray(warnings), true);
  deepEqual(model, {
    name: "tiny:1b",
    source: "ollama",
    modelPath: added.modelPath,
    shardPaths: [added.modelPath],
    sizeBytes: weights.byteLength,
    digest: added.digest,
    manifestPath: added.manifestPath,
    architecture: "llama",
    layerCount: 3,
    contextLength: 2048,
    quantization: "F16",
    params: { num_ctx: 1024, stop: ["<|end|>"] },
    projectorPaths: [added.modelPath],
    adapterPaths: [],
    draftPath: null,
  });
});

Deno.test("sollol resolve shows the same to people, one fact a line", async () => {
  await using store = await OllamaStoreFixture.create();
  const added = await store.addModel("tiny:1b", weights, { params: { num_ctx: 1024 } });
  const { exitCode, host } = await resolve(["tiny:1b", "--models", store.directory]);
  equal(exitCode, 0, host.stderr.text);
  const facts = Object.fromEntries(host.stdout.text.trim().split("\n").map((line) => line.split(/ {2,}/, 2)));
  equal(facts.file, added.modelPath);
  equal(facts.manifest, added.manifestPath);
  equal(facts.layers, "3");
  equal(facts.context, "2048 tokens");
  equal(facts.params, "num_ctx 1024");
  equal("projector" in facts, false);
});

Deno.test("sollol resolve takes a path, also one from the home directory", async () => {
  await using store = await OllamaStoreFixture.create();
  const path = join(store.home, "my.gguf");
  await Deno.writeFile(path, weights);
  for (
    const { args, env } of [{ args: [path], env: {} }, { args: ["~/my.gguf"], env: { HOME: store.home } }]
  ) {
    const { exitCode, host } = await resolve([...args, "--json"], env);
    equal(exitCode, 0, host.stderr.text);
    const { source, modelPath, layerCount, manifestPath } = host.json() as Record<string, unknown>;
    deepEqual({ source, modelPath, layerCount, manifestPath }, {
      source: "gguf",
      modelPath: path,
      layerCount: 3,
      manifestPath: null,
    });
  }
});

Deno.test("sollol resolve finds the roots in OLLAMA_MODELS", async () => {
  await using store = await OllamaStoreFixture.create();
  await store.addModel("tiny:1b", weights);
  equal((await resolve(["tiny:1b"], { OLLAMA_MODELS: store.directory })).exitCode, 0);
});

Deno.test("sollol resolve says what it did not find and what is near, and ends with 1", async () => {
  await using store = await OllamaStoreFixture.create();
  await store.addModel("tiny:1b", weights);
  const { exitCode, host } = await resolve(["tinny:1b", "--models", store.directory, "--json"]);
  equal(exitCode, 1);
  const { error } = host.json() as { error: { code: string; message: string } };
  equal(error.code, "model_not_found");
  match(error.message, /Cannot find model "tinny:1b"; did you mean "tiny:1b"\? \(looked in \//);
  equal(host.stderr.text, `sollol: ${error.message}\n`);
});

Deno.test("sollol resolve refuses a file whose header is damaged", async () => {
  await using store = await OllamaStoreFixture.create();
  const path = join(store.home, "cut.gguf");
  await Deno.writeFile(path, weights.subarray(0, 5000));
  const { exitCode, host } = await resolve([path]);
  equal(exitCode, 1);
  match(host.stderr.text, /^sollol: Cannot use ".*cut\.gguf": /);
});

Deno.test("sollol resolve shows warnings of the configuration, apart from the result", async () => {
  await using store = await OllamaStoreFixture.create();
  await store.addModel("tiny:1b", weights);
  const { exitCode, host } = await resolve(["tiny:1b", "--json"], {
    OLLAMA_MODELS: store.directory,
    SOLLOL_LISTN: "1",
  });
  equal(exitCode, 0);
  equal(
    host.stderr.text,
    'sollol: warning: environment variable SOLLOL_LISTN means nothing; did you mean "SOLLOL_LISTEN"?\n',
  );
  equal((host.json() as { name: string }).name, "tiny:1b");
});
