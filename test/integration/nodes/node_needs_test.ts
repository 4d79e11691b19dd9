import { deepEqual, equal, ok } from "node:assert/strict";
import { writeGgufHeader } from "../../../lib/gguf/writer.ts";
import { parseUpstreamUrl } from "../../../lib/http/address.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { createLogger, silentLogger } from "../../../lib/log.ts";
import type { KnownNode } from "../../../lib/nodes/node.ts";
import { NodeNeeds } from "../../../lib/nodes/node_needs.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import type { FakeOllamaMode } from "../../fakes/fake_ollama_mode.ts";
import { knownNode } from "../../fixtures/known_nodes.ts";
import { llama } from "../../fixtures/model_zoo/dense.ts";
import { OllamaStoreFixture, type StoredParts } from "../../fixtures/ollama_store.ts";
import { until } from "../../fixtures/until.ts";

const KEY = "registry.ollama.ai/library/llama3:8b";
const { signal } = new AbortController();
const SLOW_MACHINE = { withinMs: 20_000 };

function nodeAt({ url }: FakeOllamaNode): KnownNode {
  const models = new Map(knownNode("n", { held: { [KEY]: 5 * GIB }, digests: { [KEY]: "ab" } }).models);
  models.set(KEY, { ...models.get(KEY)!, name: "llama3:8b" });
  return { ...knownNode("fake"), url, ...parseUpstreamUrl(url), models };
}

Deno.test("a node's own answer tells what its model takes", async () => {
  await using fake = await FakeOllamaNode.start();
  using http = new HttpClient();
  await using needs = new NodeNeeds({ http, logger: silentLogger });
  needs.learn(nodeAt(fake));
  equal(needs.needOf(KEY)!.source, "size");
  await until(() => needs.needOf(KEY)!.source === "show", "it was shown", SLOW_MACHINE);
  const need = needs.needOf(KEY)!;
  deepEqual([need.weightBytes, need.contextSize, need.parameterCount], [5 * GIB, 4096, 8_030_261_248]);
  ok(need.bytes > 5.5 * GIB && need.bytes < 6.2 * GIB, "32 layers of 4 kB a token, and buffers"); // 0.5 GiB of cache
  equal(fake.counts.get("/api/show"), 1);
});

for (
  const mode of [
    ...["html", "truncated_json", "endless_body", "redirect", "wrong_content_length"],
    ...["chunks_without_end", "huge_headers", "hang"],
  ] as FakeOllamaMode[]
) {
  Deno.test(`a node that misbehaves (${mode}) leaves the need as it was, until it is well`, async () => {
    await using fake = await FakeOllamaNode.start();
    fake.behave(mode, { on: "all" });
    using http = new HttpClient();
    const clock = new FakeClock();
    const lines: string[] = [];
    const logger = createLogger({ sink: (line) => lines.push(line), level: "debug" });
    await using needs = new NodeNeeds({ http, logger, clock });
    needs.learn(nodeAt(fake));
    await until(() => fake.counts.get("/api/show") === 1, "it was asked", SLOW_MACHINE);
    if (mode === "hang") clock.advance(10_000);
    await until(() => lines.some((line) => line.includes("model not shown")), "it was in vain", SLOW_MACHINE);
    equal(needs.needOf(KEY)!.source, "size");
    fake.behave("ok");
    clock.advance(60_000);
    needs.learn(nodeAt(fake));
    await until(() => needs.needOf(KEY)!.source === "show", "it was shown", SLOW_MACHINE);
  });
}

/** A store with one model of 10 MB, its header real. */
async function storeOf(name: string, parts: StoredParts = {}): Promise<OllamaStoreFixture> {
  const store = await OllamaStoreFixture.create();
  await addModel(store, name, parts);
  return store;
}

async function addModel(store: OllamaStoreFixture, name: string, parts: StoredParts): Promise<void> {
  const { bytes, fileBytes } = writeGgufHeader(llama());
  const weights = new Uint8Array(fileBytes);
  weights.set(bytes);
  await store.addModel(name, weights, parts);
}

Deno.test("our own file goes before what a node shows of the very same model, and of no other", async () => {
  await using store = await storeOf("llama3:8b", { params: { num_ctx: 2048 } });
  using http = new HttpClient();
  await using needs = new NodeNeeds({ http, logger: silentLogger });
  const model = await new ModelStore({ roots: [store.directory] }).resolve("llama3:8b");
  const learned = await needs.learnStored(model, signal);
  deepEqual([learned!.source, learned!.contextSize, learned!.weightBytes], ["gguf", 2048, 10_105_856]);
  equal(needs.needOf(KEY), learned, "no node has it");
  const digest = model.manifestDigest!;
  const down = { health: "down" } as const;
  needs.learn(knownNode("a", { held: { [KEY]: 5 * GIB }, digests: { [KEY]: digest }, ...down }));
  equal(needs.needOf(KEY), learned, "the node has the same");
  needs.learn(knownNode("b", { held: { [KEY]: 5 * GIB }, digests: { [KEY]: "ab" }, ...down }));
  equal(needs.needOf(KEY)!.source, "size", "a node has another, which is larger");
  equal(needs.needOf(KEY, digest), learned, "the same is meant");
});

Deno.test("a stored model is read once, and again when it has changed", async () => {
  await using store = await storeOf("m");
  const models = new ModelStore({ roots: [store.directory] });
  using http = new HttpClient();
  await using needs = new NodeNeeds({ http, logger: silentLogger });
  const first = await needs.learnStored(await models.resolve("m"), signal);
  equal(await needs.learnStored(await models.resolve("m"), signal), first);
  await addModel(store, "m", { params: { num_ctx: 512 } });
  equal((await needs.learnStored(await models.resolve("m"), signal))!.contextSize, 512);
});

Deno.test("a vision part is weighed with its model", async () => {
  const projector = new TextEncoder().encode("GGUF" + "x".repeat(10_000));
  await using store = await storeOf("m", { projector });
  using http = new HttpClient();
  await using needs = new NodeNeeds({ http, logger: silentLogger });
  const model = await new ModelStore({ roots: [store.directory] }).resolve("m");
  equal((await needs.learnStored(model, signal))!.weightBytes, 10_105_856 + projector.byteLength);
});

Deno.test("a file that is gone or no model tells nothing, and an aborted read its reason", async () => {
  await using store = await storeOf("m");
  const model = await new ModelStore({ roots: [store.directory] }).resolve("m");
  using http = new HttpClient();
  await using needs = new NodeNeeds({ http, logger: silentLogger });
  const reason = new Error("enough");
  await needs.learnStored(model, AbortSignal.abort(reason)).then(
    () => ok(false),
    (thrown) => equal(thrown, reason),
  );
  await Deno.writeFile(model.modelPath, new TextEncoder().encode("GGUF and then nothing of the kind"));
  equal(await needs.learnStored(model, signal), undefined);
  await Deno.remove(model.modelPath);
  equal(await needs.learnStored(model, signal), undefined);
  equal(needs.needOf(model.key), undefined);
});
