import { deepEqual, equal } from "node:assert/strict";
import { parseUpstreamUrl } from "../../lib/http/address.ts";
import type { BackendDevice, BackendView } from "../../lib/rpc/backend.ts";
import { GIB } from "../../lib/units.ts";
import { BackendMemory, memoriesOf } from "../../lib/backend_memory.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { backendView } from "../fixtures/backend_views.ts";
import { knownNode } from "../fixtures/known_nodes.ts";

const device = (kind: "gpu" | "cpu", gib: number, memoryKey: string): BackendDevice => ({
  ...backendView("a:1").devices[0]!,
  kind,
  totalBytes: gib * GIB,
  freeBytes: 0,
  memoryKey,
});

const at = (url: string, views: readonly BackendView[]) =>
  memoriesOf([{ url, address: parseUpstreamUrl(url).address }], views).get(url);

for (
  const { name, url = "http://gpu1:11434", views, gib } of [
    { name: "no backend is known", views: [], gib: undefined },
    { name: "one is on another host", views: [backendView("gpu2:50052")], gib: undefined },
    { name: "one has not answered yet", views: [backendView("gpu1:50052", { devices: [] })], gib: undefined },
    { name: "one has RAM", views: [backendView("gpu1:50052")], gib: 24 },
    {
      name: "GPUs go before RAM",
      views: [
        backendView("gpu1:50052", { devices: [device("gpu", 24, "g0"), device("cpu", 64, "ram")] }),
        backendView("gpu1:50053", { devices: [device("gpu", 16, "g1")] }),
      ],
      gib: 40,
    },
    {
      name: "two tell of one memory",
      views: [1, 2].map((port) => backendView(`gpu1:${port}`, { devices: [device("gpu", 24, "g0")] })),
      gib: 24,
    },
    {
      name: "it is known by another name",
      views: [backendView("10.0.0.5:50052", { aliases: ["gpu1:50052"] })],
      gib: 24,
    },
    {
      name: "the node listens on a socket file",
      url: "unix:/run/ollama.sock",
      views: [backendView("gpu1:1")],
      gib: undefined,
    },
  ]
) {
  Deno.test(`a node's memory where ${name} is ${gib ?? "not known"}`, () => {
    equal(at(url, views), gib === undefined ? undefined : gib * GIB);
  });
}

Deno.test("each node is told at once and every 5 s, until the disposal; without nodes nobody is looked at", async () => {
  const clock = new FakeClock();
  const told: (readonly [string, number])[][] = [];
  let [nodes, lookCount] = [[] as ReturnType<typeof knownNode>[], 0];
  const watch = new BackendMemory({
    nodes: {
      get nodes() {
        return nodes;
      },
      setMemories: (bytesByUrl) => void told.push([...bytesByUrl]),
    },
    backends: {
      views: () => {
        lookCount++;
        return [backendView("gpu1:50052")];
      },
    },
    clock,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await Promise.resolve();
    await Promise.resolve();
  };
  await pass(5_000);
  deepEqual([told.flat(), lookCount], [[], 0]);
  told.length = 0;
  nodes = [knownNode("gpu1"), knownNode("gpu2")];
  await pass(4_999);
  equal(told.length, 0);
  await pass(1);
  deepEqual(told, [[["http://gpu1:11434", 24 * GIB]]]);
  watch[Symbol.dispose]();
  await pass(60_000);
  equal(told.length, 1);
});

Deno.test("a thousand nodes and backends are looked at in one go, and each is told its own", () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `gpu${at}`);
  let readCount = 0;
  const views = names.map((name) => {
    const view = backendView(`${name}:50052`);
    return Object.defineProperty({ ...view }, "devices", { get: () => (readCount++, view.devices) });
  });
  const memories = memoriesOf(names.map((name) => knownNode(name)), views);
  deepEqual([memories.size, memories.get("http://gpu999:11434"), readCount], [1_000, 24 * GIB, 1_000]);
});
