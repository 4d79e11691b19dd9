import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { silentLogger } from "../../lib/log.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import type { BackendHealth, BackendView } from "../../lib/rpc/backend.ts";
import { LoadStore } from "../../lib/store/load_store.ts";
import { openDatabase } from "../../lib/store/open_database.ts";
import { MIB } from "../../lib/units.ts";
import { chat } from "./chat.ts";
import { freePort, type RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("a gateway sees an rpc backend die when it is used, and come back by itself", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  const mortal = `127.0.0.8:${freePort("127.0.0.8")}`;
  await using gateway = await bed.serve({ rpcBackends: [...bed.endpoints, mortal] });
  {
    await using backend = await startAt(programs, mortal);
    await untilHealth(gateway, mortal, "up");
    equal((await chat(gateway.url)).status, 200);
    equal(await healthOf(gateway, mortal), "held");
    await backend[Symbol.asyncDispose]();
  }
  const { status, headers } = await chat(gateway.url);
  equal(status, 200);
  match(headers.get("x-sollol-decision")!, new RegExp(`Left out: .*Nothing listens at ${mortal}`));
  const view = await viewOf(gateway, mortal);
  deepEqual([view.health, view.holder ?? null], ["down", null]);
  match(view.reason, new RegExp(`Nothing listens at ${mortal}; start ggml-rpc-server there`));
  ok(view.ageMs! < 10_000);
  await using _again = await startAt(programs, mortal);
  await untilHealth(gateway, mortal, "up", 10_000);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("an excluded rpc backend is known and not used", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  const [excluded, other] = bed.endpoints as [string, string];
  await using gateway = await bed.serve({ limits: { [excluded]: "exclude: true" } });
  const { status, headers } = await chat(gateway.url);
  equal(status, 200);
  match(headers.get("x-sollol-decision")!, new RegExp(`${excluded} is excluded by the operator`));
  deepEqual(await usedEndpoints(gateway), [other]);
  const view = await viewOf(gateway, excluded);
  deepEqual([view.health, view.limits.isExcluded], ["up", true]);
  await gateway.stop();
});

test("an rpc backend with two names counts once", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  const port = freePort("127.0.0.1");
  await using backend = await startAt(programs, `0.0.0.0:${port}`);
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `127.0.0.2:${port}`];
  await using gateway = await bed.serve({ rpcBackends: names });
  await eventually("the names are found to be one", async () => (await viewsOf(gateway)).length === 1);
  const { status, headers } = await chat(gateway.url);
  equal(status, 200);
  match(headers.get("x-sollol-decision")!, /over 1 rpc backend:/);
  const [view] = await viewsOf(gateway);
  deepEqual([view!.endpoint, ...view!.aliases].toSorted(), names.toSorted());
  await gateway.stop();
  ok(backend.isAlive);
});

test("after a load the gateway shows what each device really holds, and remembers it", async (programs) => {
  await using bed = await GatewayBed.create(programs);
  await using gateway = await bed.serve();
  equal((await chat(gateway.url)).status, 200);
  const placement = await gateway.placement();
  deepEqual(placement.devices.map(({ endpoint }) => endpoint), bed.endpoints);
  for (const { actual, layerCount, weightBytes, kvBytes, computeBytes } of placement.devices) {
    equal(actual.kvBytes, layerCount * 4 * MIB);
    equal(kvBytes, actual.kvBytes);
    ok(Math.abs(weightBytes - actual.weightBytes) < 0.02 * MIB, `${weightBytes} for ${actual.weightBytes}`);
    ok(computeBytes > 0 && actual.computeBytes > 0);
  }
  await gateway.stop();
  const path = join(bed.sandbox.env["HOME"]!, ".local/state/sollol/sollol.db");
  using database = openDatabase(path, { logger: silentLogger });
  const [load, ...more] = new LoadStore(database, { logger: silentLogger }).recent(10);
  deepEqual([load!.model, load!.architecture, more.length], ["tiny:latest", "llama", 0]);
  match(load!.build ?? "", /^b\d+$/);
  deepEqual(
    load!.devices.map(({ endpoint, actual }) => ({ endpoint, actual })),
    placement.devices.map(({ endpoint, actual }) => ({ endpoint, actual })),
  );
});

/** Starts a real rpc backend there and waits for nothing. */
async function startAt({ rpcServer }: RealPrograms, endpoint: string): Promise<ChildProcess> {
  const [hostname, port] = endpoint.split(":") as [string, string];
  const args = ["-H", hostname, "-p", port, "-t", "1"];
  return await ChildProcess.spawn({ program: rpcServer, args, ignoreSigpipe: true });
}

async function viewsOf(gateway: ServedGateway): Promise<BackendView[]> {
  return (await (await fetch(`${gateway.url}/api/admin/rpc-backends`)).json()).backends;
}

async function viewOf(gateway: ServedGateway, endpoint: string): Promise<BackendView> {
  return (await viewsOf(gateway)).find((view) => view.endpoint === endpoint)!;
}

async function healthOf(gateway: ServedGateway, endpoint: string): Promise<BackendHealth> {
  return (await viewOf(gateway, endpoint)).health;
}

async function untilHealth(
  gateway: ServedGateway,
  endpoint: string,
  health: BackendHealth,
  withinMs = 5_000,
): Promise<void> {
  const isSo = async () => await healthOf(gateway, endpoint) === health;
  await eventually(`${endpoint} is ${health}`, isSo, withinMs);
}

async function usedEndpoints(gateway: ServedGateway): Promise<string[]> {
  const placement = await gateway.placement();
  return placement.devices.map(({ endpoint }) => endpoint);
}
