import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { workerReport } from "../../lib/rpc/worker_report.ts";
import { FakeWorkerGateway, taken } from "../fakes/fake_worker_gateway.ts";
import { freePort } from "../fixtures/free_port.ts";
import { eventually } from "./eventually.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

async function verdictOf(endpoint: string): Promise<string> {
  return (await probe(parseEndpoint(endpoint), { timeoutMs: 1_000 })).verdict;
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

test("a worker lends a real rpc server, brings it back when it is killed, and leaves nothing", async (programs) => {
  await using sandbox = await Sandbox.create();
  await using gateway = new FakeWorkerGateway();
  const port = freePort();
  const args = [
    "worker",
    "--gateway",
    gateway.url,
    "--name",
    "shelf-2",
    "--port",
    String(port),
    "--threads",
    "1",
  ];
  await using worker = Program.start(sandbox, [...args, "--rpc-server", programs.rpcServer], {
    env: { SOLLOL_WORKER_TOKEN: "s3cret" },
  });
  const endpoint = `127.0.0.1:${port}`;
  const { pid } = await worker.untilLogged("rpc server listens");
  await eventually("it joins", () => gateway.requests.length > 0);
  const { name, authorization, report } = gateway.requests[0]!;
  deepEqual([name, authorization], ["shelf-2", "Bearer s3cret"]);
  match(report!.build ?? "", /^b\d+$/);
  match(report!.protocol ?? "", /^\d+\.\d+\.\d+$/);
  const [backend] = report!.backends;
  deepEqual([backend!.endpoint, backend!.is_running, backend!.held_by], [endpoint, true, []]);
  const [device] = backend!.devices;
  ok(device!.free_bytes > 0 && device!.free_bytes <= device!.total_bytes);
  equal(await verdictOf(endpoint), "up");
  match(
    Deno.readTextFileSync(`/proc/${pid}/status`),
    /^SigIgn:\t[0-9a-f]*[13579bdf][0-9a-f]{3}$/m,
    "SIGPIPE is ignored",
  );
  ok(!Deno.readTextFileSync(`/proc/${pid}/environ`).includes("s3cret"));

  using client = await Deno.connect({ hostname: "127.0.0.1", port }); // what a coordinator does: it holds the server
  const held = [`127.0.0.1:${client.localAddr.port}`];
  const reported = () => gateway.reports.at(-1)!.backends[0]!;
  await eventually("who holds it is told", () => reported().held_by.length > 0);
  deepEqual(reported().held_by, held);

  Deno.kill(Number(pid), "SIGKILL");
  await eventually(
    "its death is told",
    () => gateway.reports.some(({ backends }) => !backends[0]!.is_running),
    2_000,
  );
  const again = await worker.untilLogged("rpc server listens", 2);
  await eventually("its return is told", () => reported().is_running && reported().restart_count === 1);
  equal(await verdictOf(endpoint), "up");

  gateway.answer = () => taken([endpoint]);
  Deno.kill(worker.pid, "SIGTERM"); // to it alone, as systemd with KillMode=mixed does
  await worker.untilLogged("waits for coordinators");
  equal(await verdictOf(endpoint), "up");
  gateway.answer = () => taken();
  const { code, stderr } = await worker.ended;
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  equal(gateway.requests.at(-1)!.method, "DELETE");
  ok(!isAlive(Number(again["pid"])));
  await sandbox.assertEmpty();
});

test("a worker that is killed takes its rpc server along", async (programs) => {
  await using sandbox = await Sandbox.create();
  await using gateway = new FakeWorkerGateway();
  const args = [
    "worker",
    "--gateway",
    gateway.url,
    "--port",
    String(freePort()),
    "--rpc-server",
    programs.rpcServer,
  ];
  await using worker = Program.start(sandbox, args);
  await worker.untilLogged("joined the gateway");
  Deno.kill(worker.pid, "SIGKILL");
  await worker.ended;
  await sandbox.assertEmpty();
});

test("a worker waits for a gateway that is not there yet", async (programs) => {
  await using sandbox = await Sandbox.create();
  const [gatewayPort, port] = [freePort(), freePort()];
  const url = `http://127.0.0.1:${gatewayPort}`;
  const args = ["worker", "--gateway", url, "--port", String(port), "--rpc-server", programs.rpcServer];
  await using worker = Program.start(sandbox, args);
  const { reason } = await worker.untilLogged("gateway not reached");
  match(String(reason), /refused/);
  await using gateway = new FakeWorkerGateway(() => taken(), gatewayPort);
  await worker.untilLogged("joined the gateway");
  equal(gateway.reports[0]!.backends[0]!.endpoint, `127.0.0.1:${port}`);
  worker.signal("SIGTERM");
  equal((await worker.ended).code, 0);
  await sandbox.assertEmpty();
});

test("a worker says who is on its port, and refuses a public address", async (programs) => {
  await using sandbox = await Sandbox.create();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const run = (...args: string[]) => {
    const usual = ["--gateway", "http://127.0.0.1:1", "--rpc-server", programs.rpcServer];
    return Program.run(sandbox, ["worker", ...usual, ...args]);
  };
  const taken = await run("--host", "127.0.0.1", "--port", String(listener.addr.port));
  equal(taken.code, 1);
  match(
    taken.stderr,
    new RegExp(`at 127.0.0.1:${listener.addr.port}: deno, pid ${Deno.pid} listens there; stop it`),
  );
  const open = await run("--host", "203.0.113.7");
  equal(open.code, 1);
  match(open.stderr, /"203.0.113.7": it is a public address, and the rpc protocol has no password/);
  const unknown = await run("--host", "127.0.0.1", "--devices", "CUDA7");
  match(unknown.stderr, /this machine has no device CUDA7; it has CPU/);
  await sandbox.assertEmpty();
});

test("worker --once prints the report that it would send, and starts nothing", async (programs) => {
  await using sandbox = await Sandbox.create();
  const args = ["worker", "--once", "--rpc-server", programs.rpcServer];
  const { code, stdout, stderr } = await Program.run(sandbox, [...args, "--json"]);
  deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const report = workerReport.safeParse(JSON.parse(stdout));
  ok(report.success);
  deepEqual(report.data.backends.map(({ endpoint, is_running }) => [endpoint, is_running]), [[
    "127.0.0.1:50052",
    false,
  ]]);
  const text = await Program.run(sandbox, args);
  match(text.stdout, /^127\.0\.0\.1:50052 +CPU +\d.* GiB/m);
  const usage = await Program.run(sandbox, ["worker"]);
  equal(usage.code, 2);
  match(usage.stderr, /--gateway URL is missing/);
  await sandbox.assertEmpty();
});
