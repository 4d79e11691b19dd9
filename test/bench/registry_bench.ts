import { equal, ok } from "node:assert/strict";
import { silentLogger } from "../../lib/log.ts";
import type { Endpoint } from "../../lib/rpc/endpoint.ts";
import { probe, type ProbeResult } from "../../lib/rpc/probe.ts";
import { probeAll } from "../../lib/rpc/probe_all.ts";
import { BackendRegistry } from "../../lib/registry/backend_registry.ts";

const BACKEND_COUNT = 1000;
const BLACK_HOLE_COUNT = 500;

const endpoints = await startBackends(BACKEND_COUNT);
let openCount = 0;
let maxOpenCount = 0;

const registry = new BackendRegistry({
  logger: silentLogger,
  probe: async (endpoint, options) => {
    maxOpenCount = Math.max(maxOpenCount, ++openCount); // a probe has one socket at a time
    try {
      return await probe(endpoint, options);
    } finally {
      openCount--;
    }
  },
});
for (const endpoint of endpoints) registry.add(endpoint, "config");

/** Backends of which none ever answers: all checks of this registry hang. */
const blackHoles = new BackendRegistry({
  logger: silentLogger,
  probe: () => new Promise<ProbeResult>(() => {}),
});
for (let at = 0; at < BLACK_HOLE_COUNT; at++) {
  blackHoles.add({ host: `192.0.2.${at & 255}`, port: 50052 + (at >> 8) }, "config");
}

Deno.bench(
  "probeAll() of 1,000 backends",
  { group: "verdicts", baseline: true, n: 5, warmup: 1 },
  async () => {
    await probeAll(endpoints, { concurrency: 48 });
  },
);

Deno.bench("refresh() of 1,000 backends", { group: "verdicts", n: 5, warmup: 1 }, async () => {
  await registry.refresh({ withinMs: 60_000 });
  equal(registry.views().filter(({ health }) => health === "up").length, BACKEND_COUNT);
  ok(maxOpenCount < 64, `${maxOpenCount} sockets were open at once`);
});

Deno.bench("view() of one", { group: "500 black holes", baseline: true }, () => {
  blackHoles.view("192.0.2.7:50052");
});

Deno.bench("views() of all", { group: "500 black holes" }, () => {
  equal(blackHoles.views().length, BLACK_HOLE_COUNT);
});

async function startBackends(count: number): Promise<Endpoint[]> {
  const worker = new Worker(new URL("./rpc_backends_worker.ts", import.meta.url).href, { type: "module" });
  const started = Promise.withResolvers<number[]>();
  worker.onmessage = ({ data }) => started.resolve(data);
  worker.postMessage(count);
  return (await started.promise).map((port) => ({ host: "127.0.0.1", port }));
}
