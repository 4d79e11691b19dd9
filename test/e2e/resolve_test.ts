import { deepEqual, equal, match } from "node:assert/strict";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { OllamaStoreFixture } from "../fixtures/ollama_store.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("resolve tells people and programs where a stored model is and what it is", async () => {
  await using sandbox = await Sandbox.create();
  await using store = await OllamaStoreFixture.create();
  const { modelPath, manifestPath, digest } = await store.addModel(
    "hf.co/user/Tiny-GGUF:F16",
    buildTinyModel({ layers: 5 }),
    { params: { num_ctx: 2048 } },
  );
  const args = ["resolve", "hf.co/user/tiny-gguf:f16", "--models", store.directory];
  const { code, stdout, stderr } = await Program.run(sandbox, args);
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  for (
    const [field, value] of [
      ["name", "hf\\.co/user/Tiny-GGUF:F16"],
      ["file", modelPath],
      ["layers", "5"],
      ["architecture", "llama"],
      ["quantization", "F16"],
      ["params", "num_ctx 2048"],
    ]
  ) match(stdout, new RegExp(`^${field} +${value}$`, "m"));
  const json = JSON.parse((await Program.run(sandbox, [...args, "--json"])).stdout);
  deepEqual(
    [json.modelPath, json.manifestPath, json.digest, json.layerCount, json.params],
    [modelPath, manifestPath, digest, 5, { num_ctx: 2048 }],
  );
});

Deno.test("resolve looks where OLLAMA_MODELS says, and takes a path", async () => {
  await using sandbox = await Sandbox.create();
  await using store = await OllamaStoreFixture.create();
  const { modelPath } = await store.addModel("tiny", buildTinyModel());
  const byName = await Program.run(sandbox, ["resolve", "tiny", "--json"], {
    env: { OLLAMA_MODELS: store.directory },
  });
  equal(JSON.parse(byName.stdout).modelPath, modelPath);
  const byPath = await Program.run(sandbox, ["resolve", modelPath, "--json"]);
  equal(JSON.parse(byPath.stdout).layerCount, 8);
});

for (
  const { name, model, says } of [
    {
      name: "an unknown model",
      model: "tinny",
      says: /Cannot find model "tinny".*did you mean "tiny:latest"\?/,
    },
    {
      name: "a path out of the store",
      model: "x/../../y",
      says: /Cannot read model name "x\/\.\.\/\.\.\/y"/,
    },
    { name: "a file that is cut short", model: "cut", says: /truncated: has 1500000 of at least \d+ bytes/ },
    { name: "a text", model: "text", says: /begins with "# Re", not with "GGUF"/ },
  ]
) {
  Deno.test(`resolve ends with 1 and a sentence for ${name}`, async () => {
    await using sandbox = await Sandbox.create();
    await using store = await OllamaStoreFixture.create();
    await store.addModel("tiny", buildTinyModel());
    await store.addModel("cut", buildTinyModel({ seed: 2 }).subarray(0, 1_500_000));
    await store.addModel("text", new TextEncoder().encode("# Read me\n".repeat(100)));
    const args = ["resolve", model, "--json", "--models", store.directory];
    const { code, stdout, stderr } = await Program.run(sandbox, args);
    equal(code, 1);
    match(stderr, says);
    match(JSON.parse(stdout).error.message, says);
  });
}
