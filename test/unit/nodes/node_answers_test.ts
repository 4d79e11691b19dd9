import { deepEqual, equal } from "node:assert/strict";
import { parseError, parseModels, parseResident, parseVersion } from "../../../lib/nodes/node_answers.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

const DIGEST = "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e";

/** As Ollama 0.33 writes it. */
const LLAMA = {
  name: "llama3.1:8b",
  model: "llama3.1:8b",
  modified_at: "2026-08-01T10:00:00.123456789+02:00",
  size: 4_920_753_328,
  digest: DIGEST,
  details: {
    parent_model: "",
    format: "gguf",
    family: "llama",
    families: null,
    parameter_size: "8.0B",
    quantization_level: "Q4_K_M",
  },
};

function models(...entries: unknown[]) {
  return [...parseModels(JSON.stringify({ models: entries }))!.values()];
}

function resident(...entries: unknown[]) {
  return [...parseResident(JSON.stringify({ models: entries }))!.values()];
}

Deno.test("an entry of /api/tags is read whole", () => {
  deepEqual(models(LLAMA), [{
    key: "registry.ollama.ai/library/llama3.1:8b",
    name: "llama3.1:8b",
    digest: DIGEST,
    sizeBytes: 4_920_753_328,
    quantization: "Q4_K_M",
    parameterSize: "8.0B",
    family: "llama",
    modifiedAtMs: Date.UTC(2026, 7, 1, 8, 0, 0, 123),
  }]);
});

for (
  const { name, text } of [
    { name: "HTML", text: "<!doctype html><title>nginx</title>" },
    { name: "nothing", text: "" },
    { name: "JSON that was cut off", text: `{"models":[{"name":"a"` },
    { name: "a list without its frame", text: `[{"name":"a"}]` },
    { name: "a model that is no list", text: `{"models":"a"}` },
    { name: "null", text: "null" },
    { name: "an error", text: `{"error":"no"}` },
    { name: "nesting without end", text: "[".repeat(200_000) },
  ]
) {
  Deno.test(`${name} is neither a list of models nor a version`, () => {
    deepEqual([parseModels(text), parseResident(text), parseVersion(text)], [
      undefined,
      undefined,
      undefined,
    ]);
  });
}

Deno.test("an empty list may be written as null", () => {
  deepEqual([parseModels(`{"models":null}`)!.size, parseResident(`{"models":[]}`)!.size], [0, 0]);
});

for (
  const { name, entry } of [
    { name: "no object", entry: "llama3" },
    { name: "null", entry: null },
    { name: "without a name", entry: { size: 1 } },
    { name: "with a number for a name", entry: { name: 7 } },
    { name: "with an empty name", entry: { name: "" } },
    { name: "with a name of 1,001 characters", entry: { name: `a/${"x".repeat(999)}` } },
    { name: "with a name that steers a terminal", entry: { name: "a\u001b[2J" } },
    {
      name: "of a cloud",
      entry: { ...LLAMA, name: "gpt-oss:120b-cloud", remote_host: "https://ollama.com" },
    },
    { name: "of a cloud, by its model", entry: { ...LLAMA, name: "x", remote_model: "gpt-oss:120b" } },
    { name: "with an odd remote host", entry: { ...LLAMA, name: "x", remote_host: 1 } },
  ]
) {
  Deno.test(`an entry ${name} is left out, and the rest is kept`, () => {
    deepEqual(models(entry, LLAMA).map((model) => model.name), ["llama3.1:8b"]);
  });
}

Deno.test("an entry of which nothing but the name makes sense is kept with its name", () => {
  const odd = { name: "a", digest: 5, size: "big", modified_at: "soon", details: "none", remote_host: "" };
  deepEqual(models(odd), [{
    key: toWanted("a").key,
    name: "a",
    digest: "",
    sizeBytes: 0,
    quantization: undefined,
    parameterSize: undefined,
    family: undefined,
    modifiedAtMs: 0,
  }]);
});

Deno.test("an entry that has only its model's name is known by that", () => {
  deepEqual(models({ model: "a:7b" }).map(({ name }) => name), ["a:7b"]);
});

Deno.test("of names that differ in case only, or in what need not be said, the first counts", () => {
  const names = ["Llama3:8B", "llama3:8b", "mistral", "library/mistral:latest", "MISTRAL:LATEST"];
  deepEqual(models(...names.map((name) => ({ name }))).map(({ name }) => name), ["Llama3:8B", "mistral"]);
});

Deno.test("a digest is hex in lower case, with or without what it is made by", () => {
  const digests = models({ name: "a", digest: `sha256:${DIGEST.toUpperCase()}` }, {
    name: "b",
    digest: "xyz",
  });
  deepEqual(digests.map(({ digest }) => digest), [DIGEST, ""]);
});

Deno.test("ten thousand models are taken, and no more entries are looked at", () => {
  const many = parseModels(
    JSON.stringify({ models: Array.from({ length: 12_000 }, (_, at) => ({ name: `m${at}` })) }),
  );
  equal(many!.size, 10_000);
  equal(parseModels(`{"models":[${"1,".repeat(10_000)}{"name":"late"}]}`)!.size, 0);
});

const WHOLE = { name: "a", size: 10_000, size_vram: 6_000, expires_at: "2026-08-01T10:00:00Z" };
const WHOLE_MS = Date.UTC(2026, 7, 1, 10);

for (
  const { name, odd, sizeBytes = 10_000, vramBytes = 6_000, expiresAtMs = WHOLE_MS } of [
    { name: "all that is told", odd: {} },
    { name: "more on GPUs than the whole", odd: { size_vram: 20_000 }, vramBytes: 10_000 },
    { name: "a negative size", odd: { size: -1 }, sizeBytes: 6_000 },
    { name: "negative VRAM", odd: { size_vram: -5 }, vramBytes: 0 },
    { name: "a size of 1e300", odd: { size: 1e300 }, sizeBytes: 6_000 },
    { name: "VRAM of 1e300", odd: { size_vram: 1e300 }, vramBytes: 0 },
    { name: "sizes that are text", odd: { size: "1", size_vram: "NaN" }, sizeBytes: 0, vramBytes: 0 },
    {
      name: "sizes that are missing",
      odd: { size: undefined, size_vram: undefined },
      sizeBytes: 0,
      vramBytes: 0,
    },
    { name: "half a byte", odd: { size: 10_000.4 } },
    { name: "an end in 2318", odd: { expires_at: "2318-11-20T02:33:00.5+01:00" }, expiresAtMs: Infinity },
    { name: "an end that is not set", odd: { expires_at: "0001-01-01T00:00:00Z" }, expiresAtMs: Infinity },
    { name: "no end", odd: { expires_at: undefined }, expiresAtMs: Infinity },
    { name: "an end that is no time", odd: { expires_at: "whenever" }, expiresAtMs: Infinity },
    { name: "an end that is a number", odd: { expires_at: 12 }, expiresAtMs: Infinity },
  ]
) {
  Deno.test(`a resident model with ${name} is taken for what can be`, () => {
    const { key } = toWanted("a");
    deepEqual(resident({ ...WHOLE, ...odd }), [{ key, name: "a", sizeBytes, vramBytes, expiresAtMs }]);
  });
}

Deno.test("figures that JSON cannot hold are no figures", () => {
  const text = `{"models":[{"name":"a","size":1e999,"size_vram":-1e999}]}`;
  deepEqual([...parseResident(text)!.values()].map(({ sizeBytes, vramBytes }) => [sizeBytes, vramBytes]), [[
    0,
    0,
  ]]);
});

for (
  const { text, version } of [
    { text: `{"version":"0.33.0"}`, version: "0.33.0" },
    { text: `{"version":"0.0.0-dev+abc","more":1}`, version: "0.0.0-dev+abc" },
    { text: `{"version":5}`, version: undefined },
    { text: `{"version":""}`, version: undefined },
    { text: `{"version":"${"9".repeat(101)}"}`, version: undefined },
  ]
) {
  Deno.test(`${text.slice(0, 40)} tells the version ${version}`, () => equal(parseVersion(text), version));
}

Deno.test("an error is told, but not at any length", () => {
  equal(parseError(`{"error":"out of order"}`), "out of order");
  equal(parseError(JSON.stringify({ error: "x".repeat(10_000) }))!.length, 200);
  equal(parseError(`{"error":{}}`), undefined);
});

Deno.test("the context of a model in memory is known where the node tells it", () => {
  const [told] = resident({ name: "a", size: 1, context_length: 4_096 });
  deepEqual(told!.contextLength, 4_096);
  for (const context_length of [undefined, 0, -1, "4096", null]) {
    deepEqual("contextLength" in resident({ name: "a", size: 1, context_length })[0]!, false);
  }
});
