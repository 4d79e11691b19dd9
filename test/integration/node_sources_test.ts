import { deepEqual, equal, match } from "node:assert/strict";
import { mergeConfig } from "../../lib/config/merge.ts";
import { parseConfigFile } from "../../lib/config/yaml_file.ts";
import { HttpClient } from "../../lib/http/client.ts";
import { NodeSources } from "../../lib/node_sources.ts";
import { NodeRegistry } from "../../lib/nodes/node_registry.ts";
import { NodeStore } from "../../lib/store/node_store.ts";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { StateDirectory } from "../fixtures/state_directory.ts";
import { until } from "../fixtures/until.ts";

function configOf(nodes: readonly string[]) {
  const text = `listen: 0\nnodes: {local: false}\nollama_nodes: ${JSON.stringify(nodes)}`;
  return mergeConfig({ file: parseConfigFile(text, "/c") }).config;
}

/** One run of a gateway's nodes: real ones all through, but for the Ollamas. */
function open(state: StateDirectory, nodes: readonly string[]) {
  const owned = new AsyncDisposableStack();
  const { logger } = state.log;
  const http = owned.use(new HttpClient());
  const registry = owned.use(
    new NodeRegistry({ http, logger, settings: () => ({ checkEveryMs: 1_000, stallMs: 30_000 }) }),
  );
  const store = new NodeStore(owned.use(state.open()), { logger });
  const sources = owned.use(
    new NodeSources({ registry, store, config: configOf(nodes), ollamaHost: undefined, http, logger }),
  );
  return Object.assign(owned, { registry, sources });
}

Deno.test("one Ollama by three addresses is one node that is up, over a restart too", async () => {
  await using ollama = await FakeOllamaNode.start({ host: "0.0.0.0" });
  await using state = await StateDirectory.create();
  const { port } = ollama;
  {
    await using run = open(state, [`localhost:${port}`, `127.0.0.1:${port}`]);
    await run.sources.start();
    await run.registry.start();
    const view = await run.sources.addNode({ url: `http://127.0.0.5:${port}`, slotCount: 9 });
    deepEqual(
      [view.name, view.health, view.slotCount, view.aliases, view.sources, view.isLocal],
      [`localhost:${port}`, "up", 9, [`http://127.0.0.1:${port}`, `http://127.0.0.5:${port}`], [
        "config",
        "admin",
      ], true],
    );
    equal(run.sources.listNodes().length, 1);
  }
  await using run = open(state, []);
  await run.sources.start();
  await run.registry.start();
  const [view] = run.sources.listNodes();
  deepEqual([view?.url, view?.health, view?.slotCount], [`http://127.0.0.5:${port}`, "up", 9]);
  equal(run.sources.removeNode(`127.0.0.5:${port}`).outcome, "removed");
  deepEqual(run.sources.listNodes(), []);
});

Deno.test("a node that is added while nothing listens there is told to be down, and comes up by itself", async () => {
  await using ollama = await FakeOllamaNode.start();
  await ollama.stop();
  await using state = await StateDirectory.create();
  await using run = open(state, []);
  await run.sources.start();
  await run.registry.start();
  const view = await run.sources.addNode({ url: ollama.url });
  equal(view.health, "down");
  match(view.reason, /refused/);
  await ollama.startAgain();
  await until(() => run.sources.listNodes()[0]?.health === "up", "it is up again", { withinMs: 20_000 });
});

Deno.test("a reload gives and takes nodes, and names that were never known are looked up", async () => {
  await using first = await FakeOllamaNode.start();
  await using second = await FakeOllamaNode.start();
  await using state = await StateDirectory.create();
  await using run = open(state, [first.url]);
  await run.sources.start();
  await run.registry.start();
  run.sources.configure(configOf([second.url]));
  const isSecondUp = () =>
    run.sources.listNodes().some(({ url, health }) => url === second.url && health === "up");
  await until(isSecondUp, "the second is up", { withinMs: 20_000 });
  deepEqual(run.sources.listNodes().map(({ url }) => url), [second.url]);
});
