import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../../lib/clock.ts";
import { measureLink } from "../../../lib/doctor/measure_link.ts";
import type { Endpoint } from "../../../lib/rpc/endpoint.ts";
import { RPC_COMMAND } from "../../../lib/rpc/protocol.ts";
import { MIB } from "../../../lib/units.ts";
import { type Behaviour, FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { freePort } from "../../fixtures/free_port.ts";

const version = { major: 8, minor: 0, patch: 0 };
const options = { version, clock: systemClock, signal: new AbortController().signal };

/** Answers HELLO and DEVICE_COUNT, reads a graph to its end, and closes: what the real server does. */
async function serveOne(listener: Deno.TcpListener): Promise<number> {
  const connection = await listener.accept();
  const chunk = new Uint8Array(64 * 1024);
  await connection.read(chunk);
  await connection.write(Uint8Array.of(28, 0, 0, 0, 0, 0, 0, 0, 8, ...new Uint8Array(27)));
  let readBytes = 0;
  for (let count = await connection.read(chunk); count !== null; count = await connection.read(chunk)) {
    if (chunk[0] === RPC_COMMAND.deviceCount && count === 9) {
      await connection.write(Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0));
    } else if ((readBytes += count) === 9 + MIB) break;
  }
  connection.close();
  return readBytes;
}

Deno.test("measureLink() measures round trips, and how fast a load arrives that the server reads whole", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serveOne(listener);
  const endpoint = { host: "127.0.0.1", port: listener.addr.port };
  const figures = await measureLink(endpoint, { ...options, loadBytes: MIB, timeoutMs: 20_000 });
  ok(figures!.roundTripMs > 0);
  ok(figures!.bytesPerSecond! > 0);
  equal(await serving, 9 + MIB);
});

Deno.test("measureLink() knows no speed of a server that closes before it has read all", async () => {
  await using backend = new FakeRpcBackend();
  const figures = await measureLink(backend.endpoint, { ...options, timeoutMs: 20_000 });
  ok(figures!.roundTripMs > 0);
  equal(figures!.bytesPerSecond, undefined);
  ok(!backend.hasDied());
});

for (
  const behaviour of [
    "silent",
    "deaf",
    "http",
    "garbage",
    "closesAtOnce",
  ] as const satisfies readonly Behaviour[]
) {
  Deno.test(`measureLink() gives up on a server that is ${behaviour}, and it survives`, async () => {
    await using backend = new FakeRpcBackend({ behaviour });
    equal(await measureLink(backend.endpoint, { ...options, timeoutMs: 200 }), undefined);
    ok(!backend.hasDied());
  });
}

Deno.test("measureLink() gives up where nobody listens", async () => {
  const endpoint: Endpoint = { host: "127.0.0.1", port: freePort() };
  equal(await measureLink(endpoint, options), undefined);
});

Deno.test("measureLink() asks no server whose protocol it does not know", async () => {
  await using backend = new FakeRpcBackend();
  for (const major of [3, 9]) {
    deepEqual(await measureLink(backend.endpoint, { ...options, version: { ...version, major } }), undefined);
  }
  equal(backend.acceptedCount, 0);
});

Deno.test("measureLink() ends with the reason of its signal", async () => {
  await using backend = new FakeRpcBackend({ behaviour: "silent" });
  const stop = new AbortController();
  const measuring = measureLink(backend.endpoint, { ...options, signal: stop.signal, timeoutMs: 60_000 });
  stop.abort(new Error("Ctrl-C"));
  await rejects(measuring, /Ctrl-C/);
});
