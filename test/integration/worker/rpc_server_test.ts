import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { RpcServer, type RpcServerLaunch } from "../../../lib/worker/rpc_server.ts";
import { isRunning } from "../process/process_probe.ts";
import { ImpatientClock, until, WorkerBed } from "./worker_bed.ts";

const signal = new AbortController().signal;
const linux = { ignore: Deno.build.os !== "linux" };

function start(
  bed: WorkerBed,
  launch: RpcServerLaunch,
  options: Partial<Parameters<typeof RpcServer.start>[1]> = {},
) {
  return RpcServer.start(launch, { logger: bed.logger, signal, ...options });
}

Deno.test("an rpc server is started with its devices, and known when it listens", async () => {
  await using bed = await WorkerBed.create();
  const launch = bed.launch("ok", { devices: ["CUDA0", "CUDA1"] });
  await using server = await start(bed, launch);
  (await Deno.connect({ port: launch.port })).close();
  deepEqual([server.isRunning, server.restartCount, server.protocol], [true, 0, "8.0.0"]);
  deepEqual(server.devices.map(({ name }) => name), ["CUDA0", "CUDA1"]);
  equal(server.endpoint, `127.0.0.1:${launch.port}`);
});

Deno.test({
  ...linux,
  name: "who holds an rpc server is known without touching it",
  async fn() {
    await using bed = await WorkerBed.create();
    const launch = bed.launch("ok");
    await using server = await start(bed, launch);
    deepEqual(await server.readClients(), []);
    using client = await Deno.connect({ port: launch.port });
    using _queued = await Deno.connect({ port: launch.port });
    const { hostname, port } = client.localAddr;
    await until(async () => (await server.readClients()).length > 0, "the client is seen");
    deepEqual(await server.readClients(), [`${hostname}:${port}`], "who waits in the queue does not hold it");
  },
});

Deno.test("an rpc server that ends with code 0 is started again", async () => {
  await using bed = await WorkerBed.create();
  const launch = bed.launch("dies");
  let changeCount = 0;
  await using server = await start(bed, launch, {
    clock: new ImpatientClock(),
    onChange: () => void changeCount++,
  });
  const firstPid = server.pid;
  (await Deno.connect({ port: launch.port })).close();
  await until(() => server.restartCount === 1 && server.isRunning, "it is back");
  ok(server.pid !== firstPid);
  equal(changeCount, 3, "told when it listened, ended and listened again");
  match(String(bed.logged("rpc server ended")[0]!["reason"]), /exited normally \(code 0\)/);
});

Deno.test("restarts wait 1 s, then twice as long each time", async () => {
  await using bed = await WorkerBed.create();
  const clock = new ImpatientClock();
  const launch = bed.launch("ok");
  await using server = await start(bed, launch, { clock });
  await Deno.rename(launch.program, `${launch.program}.gone`);
  Deno.kill(server.pid!, "SIGKILL");
  await until(() => server.restartCount >= 9, "nine tries");
  deepEqual(clock.waitsMs.slice(0, 9), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  equal(server.isRunning, false);
  equal(server.pid, undefined);
  deepEqual(server.devices.map(({ name }) => name), ["CPU"], "what it offers is still known");
  await Deno.rename(`${launch.program}.gone`, launch.program);
  await until(() => server.isRunning, "it is back");
});

Deno.test("an rpc server that has lived for a minute is brought back as if it had never died", async () => {
  await using bed = await WorkerBed.create();
  const clock = new ImpatientClock();
  await using server = await start(bed, bed.launch("ok"), { clock });
  const killAndWait = async () => {
    const restartCount = server.restartCount + 1;
    Deno.kill(server.pid!, "SIGKILL");
    await until(() => server.restartCount === restartCount && server.isRunning, "it is back");
  };
  await killAndWait();
  await killAndWait();
  clock.aheadMs += 60_000;
  await killAndWait();
  deepEqual(clock.waitsMs, [1_000, 2_000, 1_000]);
});

Deno.test("a port in use is told, with who uses it", async () => {
  await using bed = await WorkerBed.create();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const owner = Deno.build.os === "linux" ? `deno, pid ${Deno.pid}` : "another program";
  await rejects(start(bed, bed.launch("ok", { port })), (error) => {
    ok(error instanceof GatewayError);
    equal(error.code, "conflict");
    equal(
      error.message,
      `Cannot run an rpc server at 127.0.0.1:${port}: ${owner} listens there; ` +
        "stop it, or choose another port by --port",
    );
    return true;
  });
});

Deno.test("an address that the machine does not have is told", async () => {
  await using bed = await WorkerBed.create();
  await rejects(
    start(bed, bed.launch("ok", { host: "10.254.253.252" })),
    /this machine does not have that address/,
  );
});

for (
  const [mode, says] of [
    ["cannot-bind", /exited normally \(code 0\)\. It said: .*Failed to create server socket/],
    ["mute", /did not listen within 1000 ms\. It said: nothing/],
    ["deaf", /did not listen within 1000 ms/],
  ] as const
) {
  Deno.test({
    ignore: mode === "deaf" && Deno.build.os !== "linux",
    name: `an rpc server that is "${mode}" at its first start is refused and leaves nothing`,
    async fn() {
      await using bed = await WorkerBed.create();
      await rejects(start(bed, bed.launch(mode), { readyTimeoutMs: 1_000 }), says);
    },
  });
}

Deno.test("a program that is missing is told", async () => {
  await using bed = await WorkerBed.create();
  await rejects(start(bed, bed.launch("ok", { program: "/nowhere/rpc" })), /Cannot start "\/nowhere\/rpc"/);
});

Deno.test("a start that is aborted leaves nothing", async () => {
  await using bed = await WorkerBed.create();
  const reason = new Error("enough");
  await rejects(start(bed, bed.launch("deaf"), { signal: AbortSignal.timeout(150) }), {
    name: "TimeoutError",
  });
  await rejects(start(bed, bed.launch("ok"), { signal: AbortSignal.abort(reason) }), reason);
});

Deno.test("disposal ends it, and also one that is just coming up again", async () => {
  await using bed = await WorkerBed.create();
  const server = await start(bed, bed.launch("ok"), { clock: new ImpatientClock() });
  const pid = server.pid!;
  await server[Symbol.asyncDispose]();
  equal(isRunning(pid), false);

  const again = await start(bed, bed.launch("ok"), { clock: new ImpatientClock() });
  Deno.kill(again.pid!, "SIGKILL");
  await until(() => again.restartCount === 1, "it comes up again");
  await again[Symbol.asyncDispose]();
  equal(again.isRunning, false);
});
