import { deepEqual, equal } from "node:assert/strict";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import { type BackendIdentity, localIdentity } from "../../../lib/registry/identity.ts";
import { findListener } from "../../../lib/registry/local_listeners.ts";
import { GIB } from "../../../lib/units.ts";
import { RegistryBed } from "../../fixtures/registry_bed.ts";

const NAME = "localhost:50052";
const LOOPBACK = "127.0.0.1:50052";
const LAN = "192.168.1.20:50052";
const ALL = [{ address: "0.0.0.0", port: 50052 }];

function at(address: string, listeners = ALL): BackendIdentity {
  return localIdentity(address, 50052, findListener(listeners, address, 50052));
}

function shelf(): RegistryBed {
  const bed = new RegistryBed();
  bed.identities.set(NAME, at("127.0.0.1")).set(LOOPBACK, at("127.0.0.1")).set(LAN, at("192.168.1.20"));
  return bed;
}

Deno.test("one server by three names counts once: the first name stays, each source and limit is kept", async () => {
  await using bed = shelf();
  bed.registry.add(parseEndpoint(LAN), "config", { bytesPerSecond: 1e8 });
  bed.registry.add(parseEndpoint(NAME), "admin", { memoryLimitBytes: 8 * GIB });
  bed.registry.add(parseEndpoint(LOOPBACK), "redis", { memoryLimitBytes: 4 * GIB });
  await bed.settle();
  const [view, ...others] = bed.registry.views();
  deepEqual(others, []);
  deepEqual([view!.endpoint, view!.aliases.toSorted()], [LAN, [LOOPBACK, NAME]]);
  deepEqual(view!.sources.toSorted(), ["admin", "config", "redis"]);
  deepEqual(view!.limits, { memoryLimitBytes: 4 * GIB, isExcluded: false, bytesPerSecond: 1e8 });
  equal(bed.registry.view(NAME)!.endpoint, LAN);
});

Deno.test("two loopback addresses with a listener each are two", async () => {
  await using bed = new RegistryBed();
  const both = ["127.0.0.2", "127.0.0.3"].map((address) => ({ address, port: 50052 }));
  for (const { address } of both) bed.identities.set(`${address}:50052`, at(address, both));
  bed.add("127.0.0.2:50052", "127.0.0.3:50052");
  await bed.settle();
  deepEqual(bed.registry.views().map(({ endpoint }) => endpoint), ["127.0.0.2:50052", "127.0.0.3:50052"]);
});

Deno.test("a second name of a leased backend joins it, and is not probed", async () => {
  await using bed = shelf();
  bed.add(LAN);
  await bed.settle();
  const lease = bed.registry.lease([LAN], "llama");
  bed.add(NAME);
  await bed.settle();
  deepEqual([bed.probeCount(NAME), bed.probeCount(LAN)], [0, 1]);
  equal(bed.registry.view(NAME)!.holder, "llama");
  lease[Symbol.dispose]();
  await bed.settle();
  deepEqual([bed.probeCount(NAME), bed.probeCount(LAN)], [0, 2]);
});

Deno.test("the name that a coordinator uses stays, also if the other one is older", async () => {
  await using bed = shelf();
  bed.identities.set(NAME, undefined);
  bed.add(NAME, LAN);
  await bed.settle();
  using lease = bed.registry.lease([LAN], "llama");
  bed.identities.set(NAME, at("127.0.0.1"));
  await bed.pass(1_500);
  const [view, ...others] = bed.registry.views();
  deepEqual([view!.endpoint, view!.aliases, view!.holder, others], [LAN, [NAME], "llama", []]);
  deepEqual(lease.endpoints, [LAN]);
});

Deno.test("a name that leads elsewhere now is a backend of its own again, with its sources and limits", async () => {
  await using bed = shelf();
  bed.add(LOOPBACK);
  bed.registry.add(parseEndpoint(LAN), "admin", { isExcluded: true });
  await bed.settle();
  equal(bed.registry.views().length, 1);
  const apart = ["127.0.0.1", "192.168.1.20"].map((address) => ({ address, port: 50052 }));
  bed.identities.set(LOOPBACK, at("127.0.0.1", apart)).set(LAN, at("192.168.1.20", apart));
  await bed.registry.refresh();
  deepEqual(
    bed.registry.views().map((
      { endpoint, aliases, sources, limits, health },
    ) => [endpoint, aliases, sources, limits.isExcluded, health]),
    [[LOOPBACK, [], ["config"], false, "up"], [LAN, [], ["admin"], true, "up"]],
  );
});

Deno.test("while a server restarts, its names stay together", async () => {
  await using bed = shelf();
  bed.add(LOOPBACK, LAN);
  await bed.settle();
  bed.identities.set(LOOPBACK, at("127.0.0.1", [])).set(LAN, at("192.168.1.20", []));
  await bed.registry.refresh();
  equal(bed.registry.views().length, 1);
});

Deno.test("when the first name is removed, the next one takes its place", async () => {
  await using bed = shelf();
  bed.add(LAN, NAME);
  await bed.settle();
  bed.registry.remove(parseEndpoint(LAN), "config");
  const [view] = bed.registry.views();
  deepEqual([view!.endpoint, view!.aliases, view!.health], [NAME, [], "up"]);
  using _lease = bed.registry.lease([NAME], "llama");
});

Deno.test("refresh() of a new name waits for the verdict of the backend that it leads to", async () => {
  await using bed = shelf();
  bed.add(LAN, NAME);
  await bed.registry.refresh({ endpoints: [NAME] });
  deepEqual([bed.registry.view(NAME)!.endpoint, bed.registry.view(NAME)!.health], [LAN, "up"]);
});
