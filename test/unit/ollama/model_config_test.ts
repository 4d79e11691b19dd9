import { deepEqual, equal, throws } from "node:assert/strict";
import { decodeManifest } from "../../../lib/ollama/manifest.ts";
import { decodeMessages, decodeModelConfig, modelKind } from "../../../lib/ollama/model_config.ts";

Deno.test("decodeModelConfig() reads what Ollama writes", () => {
  const config = decodeModelConfig(JSON.stringify({
    ...{ model_format: "gguf", model_family: "llama", model_families: ["llama", "clip"], model_type: "8.0B" },
    ...{ file_type: "Q4_K_M", renderer: "qwen3", architecture: "amd64", os: "linux" },
  }));
  equal(config.format, "gguf");
  equal(config.family, "llama");
  deepEqual(config.families, ["llama", "clip"]);
  equal(config.parameterSize, "8.0B");
  equal(config.quantization, "Q4_K_M");
  equal(config.renderer, "qwen3");
  equal(config.remoteHost, undefined);
});

Deno.test("decodeModelConfig() treats empty and mistyped fields as absent", () => {
  const config = decodeModelConfig(
    '{"model_format": "", "model_family": 7, "model_families": null, "file_type": "F16"}',
  );
  deepEqual([config.format, config.family, config.families, config.quantization], [
    undefined,
    undefined,
    undefined,
    "F16",
  ]);
});

for (const json of ["null", "[]", "7", '"x"', "{", ""]) {
  Deno.test(`decodeModelConfig() refuses ${JSON.stringify(json)}`, () => {
    throws(() => decodeModelConfig(json), SyntaxError);
  });
}

for (
  const [kind, types, config] of [
    ["gguf", ["model"], {}],
    ["gguf", ["model", "projector", "adapter"], { format: "gguf" }],
    ["ambiguous", ["model", "model"], {}],
    ["empty", ["template"], {}],
    ["cloud", [], { remoteHost: "ollama.com" }],
    ["cloud", ["template"], { remoteHost: "ollama.com" }],
    ["safetensors", ["tensor", "tensor", "json"], {}],
    ["safetensors", [], { format: "safetensors" }],
  ] as const
) {
  Deno.test(`modelKind() calls [${types}] with ${JSON.stringify(config)} ${kind}`, () => {
    const layers = types.map((type) => {
      return {
        mediaType: `application/vnd.ollama.image.${type}`,
        digest: `sha256:${"a".repeat(64)}`,
        size: 1,
      };
    });
    equal(modelKind(decodeManifest(new TextEncoder().encode(JSON.stringify({ layers }))), config), kind);
  });
}

Deno.test("decodeMessages() reads turns and refuses anything else", () => {
  deepEqual(decodeMessages('[{"role": "user", "content": "hi"}, {"role": "assistant"}]'), [
    { role: "user", content: "hi" },
    { role: "assistant", content: "" },
  ]);
  for (const json of ["{}", "null", '[{"content": "no role"}]', "["]) {
    throws(() => decodeMessages(json), SyntaxError);
  }
});
