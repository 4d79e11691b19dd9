import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";
import { formatEndpoint } from "../../lib/rpc/endpoint.ts";
import { chat } from "./chat.ts";
import { freePort } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

function deadEndpoint(host: string): string {
  return `${host}:${freePort(host)}`;
}

test("a request is refused with the name of each rpc backend when all are down", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  const dead = [deadEndpoint("127.0.0.6"), deadEndpoint("127.0.0.7")];
  await using gateway = await bed.serve({ rpcBackends: dead });
  const { status, error } = await chat(gateway.url);
  deepEqual([status, error!.code], [502, "backend_unreachable"]);
  for (const endpoint of dead) match(error!.message, new RegExp(`Nothing listens at ${endpoint}; start`));
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a request is refused with what to do when no rpc backend is configured", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using gateway = await bed.serve();
  const { status, error } = await chat(gateway.url);
  deepEqual([status, error!.code], [503, "no_capacity"]);
  match(
    error!.message,
    /no rpc backend is known; start ggml-rpc-server .* register it: sollol register HOST:PORT, or name an Ollama node/,
  );
  await gateway.stop();
});

for (
  const { name, says, create } of [
    {
      name: "a web server",
      says: /is an? HTTP server, not a ggml-rpc-server/,
      create: () => new FakeRpcBackend({ behaviour: "http" }),
    },
    {
      name: "one of an older protocol",
      says: /speaks rpc protocol 3\.5\.0/,
      create: () => new FakeRpcBackend({ version: { major: 3, minor: 5, patch: 0 } }),
    },
    {
      name: "one of the protocol before ours",
      says: /7\.0\.0/,
      create: () => new FakeRpcBackend({ version: { major: 7, minor: 0, patch: 0 } }),
    },
  ]
) {
  test(`${name} among the rpc backends is named, and left out where another will do`, async (programs) => {
    await using bed = await GatewayBed.create(programs, { backendCount: 1 });
    await using stranger = create();
    const endpoint = formatEndpoint(stranger.endpoint);
    {
      await using alone = await bed.serve({ rpcBackends: [endpoint] });
      const { status, error } = await chat(alone.url);
      deepEqual([status, error!.code], [502, "backend_unreachable"], error!.message);
      match(error!.message, says);
      match(error!.message, new RegExp(endpoint));
      await alone.stop();
    }
    await using gateway = await bed.serve({ rpcBackends: [endpoint, ...bed.endpoints] });
    const { status, headers, error } = await chat(gateway.url);
    equal(status, 200, error?.message);
    match(headers.get("x-sollol-decision")!, says);
    await gateway.stop();
    await bed.assertNothingLeft();
  });
}

test("an rpc backend that another gateway holds is told as such, and serves this one later", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using holder = await bed.serve();
  equal((await chat(holder.url)).status, 200);
  const own = ["--state-dir", join(bed.sandbox.directory, "second")];
  await using second = await bed.serve({ args: ["--set", "timeouts.probe=300ms", ...own] });
  const { status, error, headers } = await chat(second.url);
  deepEqual([status, error!.code], [503, "no_capacity"]);
  match(
    error!.message,
    new RegExp(`${bed.endpoints[0]} serves another client, or hangs, .*; stop the coordinator`),
  );
  equal(headers.get("retry-after"), "5");
  equal((await chat(holder.url)).status, 200);
  await holder.stop();
  equal((await chat(second.url)).status, 200);
  await second.stop();
  bed.assertAlive([0]);
  await bed.assertNothingLeft();
});

test("an rpc backend that somebody took since it was last asked is left out, not waited for", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 2 });
  await using gateway = await bed.serve();
  await eventually("both are up", async () => {
    return (await gateway.health()).rpcBackends.every(({ health }) => health === "up");
  });
  const [hostname, port] = bed.endpoints[0]!.split(":");
  using _stranger = await Deno.connect({ hostname: hostname!, port: Number(port) }); // silent clients hold it, too
  await delay(2_500); // as long as an answer counts as fresh
  const startedMs = performance.now();
  const { status, headers, error } = await chat(gateway.url);
  equal(status, 200, error?.message);
  ok(performance.now() - startedMs < 6_000, "it was waited for");
  match(headers.get("x-sollol-decision")!, new RegExp(`Left out: ${bed.endpoints[0]} serves another client`));
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a request is refused with the setting to correct when llama-server is missing", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve({ args: ["--llama-server", "/nonexistent/llama-server"] });
  const { status, error } = await chat(gateway.url);
  deepEqual([status, error!.code], [502, "backend_unreachable"]);
  // where it was looked for is for the log: clients hear no paths of this host
  match(error!.message, /llama_cpp\.llama_server is "llama-server", which does not exist; correct it/);
  await gateway.stop();
  const logged = gateway.program.logged("request").map((line) => JSON.stringify(line)).join("");
  match(logged, /llama_cpp\.llama_server is/);
  await bed.assertNothingLeft();
});
