import { equal } from "node:assert/strict";
import { silentLogger } from "../../lib/log.ts";
import { BackendRegistry } from "../../lib/registry/backend_registry.ts";
import { decideRoute } from "../../lib/router/decide_route.ts";
import { routeFacts } from "../fixtures/route_facts.ts";
import { GatewayBed } from "../integration/gateway/gateway_bed.ts";

const BLACK_HOLE_COUNT = 500;

/** Takes no connection: the kernel queues two, and drops all others without a word. */
const hole = Deno.listen({ hostname: "0.0.0.0", port: 0, tcpBacklog: 1 });
const blackHoles = new BackendRegistry({
  logger: silentLogger,
  // One listener stands for 500 hosts.
  identify: ({ host, port }) => {
    return Promise.resolve({ server: `${host}:${port}`, host, isLocal: false, isSeen: true });
  },
});
for (let at = 0; at < BLACK_HOLE_COUNT; at++) {
  blackHoles.add({ host: `127.9.${at >> 8}.${at & 255}`, port: hole.addr.port }, "config");
}

const usual = await GatewayBed.open();
const surrounded = await GatewayBed.open({
  registry: { listBackends: () => blackHoles.views() },
});
for (const bed of [usual, surrounded]) await chat(bed); // loads the model

async function chat(bed: GatewayBed): Promise<void> {
  const answer = await bed.chat();
  equal(answer.status, 200);
  await answer.body?.cancel();
}

const demand = { model: "fake", key: "fake" };
const facts = routeFacts({ sharding: { backendCount: blackHoles.size, freeCount: 0 } });

Deno.bench("decideRoute() among 500 black holes", () => {
  decideRoute(demand, facts);
});

Deno.bench("a chat with a loaded model, one backend known", { group: "chat", baseline: true }, async () => {
  await chat(usual);
});

Deno.bench("a chat with a loaded model while 500 black holes are probed", { group: "chat" }, async () => {
  await chat(surrounded);
});
