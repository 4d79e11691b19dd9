/**
 * What looking up a model costs in a store of 1,000: `deno bench -A test/bench/ollama_storage_bench.ts`.
 * The reference is the least that any lookup must do: one `stat` of the manifest.
 */
import { ModelStore } from "../../lib/ollama/storage.ts";
import { ggufBytes, OllamaStoreFixture } from "../fixtures/ollama_store.ts";

const MODEL_COUNT = 1_000;

const fixture = await OllamaStoreFixture.create();
globalThis.addEventListener("unload", () => Deno.removeSync(fixture.home, { recursive: true }));
for (let index = 0; index < MODEL_COUNT; index++) {
  await fixture.addModel(`model${index >> 1}:tag${index}`, ggufBytes(String(index)), {
    params: { top_k: index },
  });
}
const roots = [fixture.directory];
const warm = new ModelStore({ roots });
await warm.listModels();
await warm.resolve("model250:tag500");
const manifestPath = fixture.manifestPath("model250:tag500");

Deno.bench("stat of one manifest", { group: "resolve", baseline: true }, async () => {
  await Deno.stat(manifestPath);
});
Deno.bench("resolve, warm", { group: "resolve" }, async () => {
  await warm.resolve("model250:tag500");
});
Deno.bench("resolve, cold", { group: "resolve" }, async () => {
  await new ModelStore({ roots }).resolve("model250:tag500");
});
Deno.bench("resolve, warm, spelled in another case", { group: "resolve" }, async () => {
  await warm.resolve("MODEL250:TAG500");
});
Deno.bench("resolve what is not there", { group: "resolve" }, async () => {
  await warm.resolve("model9999:none").catch(() => {});
});
Deno.bench("stat of 1,000 manifests, one after the other", { group: "list", baseline: true }, async () => {
  for (let index = 0; index < MODEL_COUNT; index++) await Deno.stat(manifestPath);
});
Deno.bench("list 1,000 models, warm", { group: "list" }, async () => {
  await warm.listModels();
});
Deno.bench("list 1,000 models, cold", { group: "list" }, async () => {
  await new ModelStore({ roots }).listModels();
});
