import { deepEqual, equal } from "node:assert/strict";
import { ollamaTags, type TaggedModel } from "../../../lib/dialects/ollama_tags.ts";

const MODEL: TaggedModel = {
  name: "llama3.1:8b",
  modifiedAtMs: Date.UTC(2026, 7, 21, 12, 30),
  sizeBytes: 4_920_753_328,
  digest: "46e0c10c039e",
  family: "llama",
  parameterSize: "8.0B",
  quantization: "Q4_K_M",
  aliasOf: undefined,
  holders: ["gpu1"],
  isAvailable: true,
  unavailableBecause: undefined,
};

Deno.test("a model is listed as Ollama does it", () => {
  deepEqual(ollamaTags([MODEL]), {
    models: [{
      name: "llama3.1:8b",
      model: "llama3.1:8b",
      modified_at: "2026-08-21T12:30:00.000Z",
      size: 4_920_753_328,
      digest: "46e0c10c039e",
      details: {
        parent_model: "",
        format: "gguf",
        family: "llama",
        families: ["llama"],
        parameter_size: "8.0B",
        quantization_level: "Q4_K_M",
      },
    }],
  });
});

Deno.test("a model of which little is known is listed, too", () => {
  const unknown = { sizeBytes: undefined, digest: undefined, family: undefined, parameterSize: undefined };
  const [tag] = ollamaTags([{ ...MODEL, ...unknown, quantization: undefined, modifiedAtMs: 0 }]).models;
  deepEqual([tag!.size, tag!.digest, tag!.modified_at], [0, "", "1970-01-01T00:00:00.000Z"]);
  deepEqual(tag!.details, {
    parent_model: "",
    format: "gguf",
    family: "",
    families: null,
    parameter_size: "",
    quantization_level: "",
  });
});

Deno.test("one that nobody can serve says so, and who holds it", () => {
  const [tag] = ollamaTags([{ ...MODEL, isAvailable: false, unavailableBecause: "gpu1: it is down" }]).models;
  deepEqual(tag!.sollol, { available: false, because: "gpu1: it is down", nodes: ["gpu1"] });
});

for (
  const [name, want] of [
    ["llama3.1", "llama3.1:latest"],
    ["registry.ollama.ai/library/llama3.1", "llama3.1:latest"],
    ["jmorgan/phi3", "jmorgan/phi3:latest"],
    ["hf.co/u/R:Q8_0", "hf.co/u/R:Q8_0"],
    ["my model, not Ollama's", "my model, not Ollama's"],
  ] as const
) {
  Deno.test(`"${name}" is listed as "${want}"`, () => {
    const [tag] = ollamaTags([{ ...MODEL, name, aliasOf: name }]).models;
    deepEqual([tag!.name, tag!.model, tag!.details.parent_model], [want, want, want]);
  });
}

Deno.test("the newest comes first, then by name", () => {
  const named = (name: string, modifiedAtMs: number) => ({ ...MODEL, name, modifiedAtMs });
  const { models } = ollamaTags([named("b:1", 5), named("a:1", 5), named("c:1", 9)]);
  deepEqual(models.map(({ name }) => name), ["c:1", "a:1", "b:1"]);
});

for (const modifiedAtMs of [Infinity, -Infinity, NaN, 1e300]) {
  Deno.test(`${modifiedAtMs} ms is no date, and no reason not to list`, () => {
    equal(ollamaTags([{ ...MODEL, modifiedAtMs }]).models[0]!.modified_at, "1970-01-01T00:00:00.000Z");
  });
}
