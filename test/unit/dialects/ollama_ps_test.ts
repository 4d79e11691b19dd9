import { deepEqual, equal } from "node:assert/strict";
import { ollamaProcesses, type RunningModel } from "../../../lib/dialects/ollama_ps.ts";
import { GIB } from "../../../lib/units.ts";

const NOW_MS = Date.UTC(2026, 7, 1);

function running(told: Partial<RunningModel> = {}): RunningModel {
  return {
    key: "registry.ollama.ai/library/llama3:8b",
    name: "llama3:8b",
    by: { node: "a" },
    sizeBytes: 6 * GIB,
    vramBytes: 5 * GIB,
    contextLength: 4_096,
    expiresAtMs: NOW_MS + 300_000,
    digest: "abc",
    family: "llama",
    parameterSize: "8.0B",
    quantization: "Q4_K_M",
    ...told,
  };
}

Deno.test("a model in memory is listed as Ollama lists it, and where it is", () => {
  const [listed] = ollamaProcesses([running()], NOW_MS).models;
  equal(
    JSON.stringify(listed),
    `{"name":"llama3:8b","model":"llama3:8b","size":${6 * GIB},"digest":"abc","details":{"parent_model":"",` +
      `"format":"gguf","family":"llama","families":["llama"],"parameter_size":"8.0B",` +
      `"quantization_level":"Q4_K_M"},"expires_at":"2026-08-01T00:05:00.000Z","size_vram":${5 * GIB},` +
      `"context_length":4096,"sollol":{"nodes":["a"],"coordinators":[]}}`,
  );
});

Deno.test("what is not known is empty or 0, and more is never on GPUs than there is", () => {
  const unknown = { digest: undefined, family: undefined, parameterSize: undefined, quantization: undefined };
  const [listed] =
    ollamaProcesses([running({ ...unknown, contextLength: undefined, vramBytes: 9 * GIB })], NOW_MS).models;
  deepEqual([listed!.digest, listed!.details.family, listed!.details.families, listed!.context_length], [
    "",
    "",
    null,
    0,
  ]);
  equal(listed!.size_vram, 6 * GIB);
});

Deno.test("what stays for ever comes first, and is told as Ollama tells it", () => {
  const forever = { expiresAtMs: Infinity };
  const { models } = ollamaProcesses([
    running({ key: "c", name: "c:1" }),
    running({ key: "b", name: "b:1", ...forever }),
    running({ key: "a", name: "a:1", ...forever }),
    running({ key: "d", name: "d:1", expiresAtMs: NOW_MS + 600_000 }),
  ], NOW_MS);
  deepEqual(models.map(({ name }) => name), ["a:1", "b:1", "d:1", "c:1"]);
  equal(models[0]!.expires_at.slice(0, 4), "2318");
});

Deno.test("a model that several have is one entry, with the figures of who keeps it longest", () => {
  const { models } = ollamaProcesses([
    running({ by: { node: "a" }, sizeBytes: 1 }),
    running({ by: { coordinator: "c1" }, sizeBytes: 3, vramBytes: 3, expiresAtMs: Infinity }),
    running({ by: { node: "b" }, sizeBytes: 2, expiresAtMs: NOW_MS + 900_000 }),
  ], NOW_MS);
  equal(models.length, 1);
  deepEqual([models[0]!.size, models[0]!.size_vram], [3, 3]);
  deepEqual(models[0]!.sollol, { nodes: ["b", "a"], coordinators: ["c1"] });
});

Deno.test("nothing in memory is an empty list", () => deepEqual(ollamaProcesses([], NOW_MS), { models: [] }));
