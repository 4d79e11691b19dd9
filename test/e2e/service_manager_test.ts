import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { freePort } from "../fixtures/free_port.ts";
import { NotifyReceiver } from "../fixtures/notify_receiver.ts";
import { until } from "../fixtures/until.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const PATIENCE = { withinMs: 20_000 };

/** The arguments of a gateway with a state directory in the sandbox, and more. */
function serveArgs(sandbox: Sandbox, ...args: string[]): string[] {
  return ["serve", "--listen", "127.0.0.1:0", "--state-dir", join(sandbox.directory, "state"), ...args];
}

Deno.test("a service manager is told when the gateway serves, is alive, reads its config again, and ends", async () => {
  await using sandbox = await Sandbox.create();
  await using receiver = await NotifyReceiver.create();
  const config = join(sandbox.directory, "config.yaml");
  await Deno.writeTextFile(config, "ollama_nodes: []\n");
  const env = { NOTIFY_SOCKET: receiver.name, WATCHDOG_USEC: "300000" };
  await using program = Program.start(sandbox, serveArgs(sandbox, "--config", config), { env });

  await receiver.untilTold("READY=1");
  const [, url] = /^serves on (\S+): 0 nodes, 0 rpc backends$/.exec(receiver.status ?? "") ?? [];
  equal((await fetch(`${url}/health`).then(async (answer) => [answer.status, await answer.text()]))[0], 200);
  await receiver.untilTold("WATCHDOG=1", { times: 3 });

  await Deno.writeTextFile(config, "ollama_nodes: 7\n"); // it may be noticed before the signal comes
  program.signal("SIGHUP");
  await receiver.untilTold("RELOADING=1");
  await receiver.untilTold("READY=1", { times: 2 });
  const isWrong = () => /its new configuration was not taken: .*ollama_nodes/.test(receiver.status ?? "");
  await until(isWrong, `the fault in "${receiver.status}"`, PATIENCE);
  const reload = receiver.told.find((text) => text.startsWith("RELOADING=1"))!;
  match(reload, /^RELOADING=1\nMONOTONIC_USEC=\d{6,}$/);

  await program.stop();
  await receiver.untilTold("STOPPING=1");
  const count = receiver.told.findIndex((text) => text.startsWith("STOPPING=1"));
  deepEqual(receiver.told.slice(count + 1).filter((text) => !text.startsWith("STATUS=")), []);
  equal(receiver.told[0], "STATUS=starts");
  await sandbox.assertEmpty();
});

Deno.test("a gateway on the state directory of another one ends, and says who holds it", async () => {
  await using sandbox = await Sandbox.create();
  await using first = Program.start(sandbox, serveArgs(sandbox));
  const { url } = await first.untilLogged("listening");
  const { code, stderr } = await Program.run(sandbox, serveArgs(sandbox));
  equal(code, 1);
  match(
    stderr,
    new RegExp(`^sollol: Cannot start on the state directory \\S+: sollol \\S+ at ${url}, since \\S+ `),
  );
  match(stderr, new RegExp(`\\(pid ${first.pid}\\) runs on it; stop that one`));
  first.signal("SIGKILL");
  await first.ended;
  await using third = Program.start(sandbox, serveArgs(sandbox));
  await third.untilLogged("listening");
  await third.stop();
});

Deno.test("a gateway that is told to end while its nodes do not answer ends at once, and says so", async () => {
  await using sandbox = await Sandbox.create();
  await using receiver = await NotifyReceiver.create();
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const node = `ollama_nodes=http://127.0.0.1:${silent.addr.port}`;
  const env = { NOTIFY_SOCKET: receiver.name };
  await using program = Program.start(sandbox, serveArgs(sandbox, "--set", node), { env });
  const asked = await silent.accept();
  const startMs = performance.now();
  await program.stop();
  const tookMs = performance.now() - startMs;
  ok(tookMs < 1_000, `it took ${Math.round(tookMs)} ms`);
  asked.close();
  await receiver.untilTold("STOPPING=1");
  deepEqual(receiver.told.filter((text) => text.includes("READY=1")), []);
  await sandbox.assertEmpty();
});

Deno.test("a gateway that is told to end while its config cannot be read to the end ends at once", async () => {
  await using sandbox = await Sandbox.create();
  const config = join(sandbox.directory, "config.yaml");
  const made = await new Deno.Command("mkfifo", { args: [config] }).output();
  ok(made.success);
  await using program = Program.start(sandbox, serveArgs(sandbox, "--config", config));
  using _writer = await Deno.open(config, { write: true }); // opens once it reads, and writes nothing
  const startMs = performance.now();
  await program.stop();
  const tookMs = performance.now() - startMs;
  ok(tookMs < 1_000, `it took ${Math.round(tookMs)} ms`);
  await sandbox.assertEmpty();
});

const test = await withLlamaCpp();

test("a service manager is told that a worker serves, whether or not its gateway does", async ({ rpcServer }) => {
  await using sandbox = await Sandbox.create();
  await using receiver = await NotifyReceiver.create();
  const gateway = `http://127.0.0.1:${freePort()}`;
  const args = [
    "worker",
    "--gateway",
    gateway,
    "--name",
    "shelf",
    "--port",
    String(freePort()),
    "--threads",
    "1",
  ];
  const env = { NOTIFY_SOCKET: receiver.name, WATCHDOG_USEC: "300000", CREDENTIALS_DIRECTORY: "/nowhere" };
  const more = ["--host", "127.0.0.1", "--rpc-server", rpcServer];
  await using worker = Program.start(sandbox, [...args, ...more], { env });
  await receiver.untilTold("READY=1");
  const { pid } = await worker.untilLogged("rpc server listens");
  const isToldWhyNot = () => /^runs 1 rpc server; not joined: .*refused/.test(receiver.status ?? "");
  await until(isToldWhyNot, `why not in ${JSON.stringify(receiver.told)}`, PATIENCE);
  await receiver.untilTold("WATCHDOG=1", { times: 3 });
  const inherited = await Deno.readTextFile(`/proc/${pid}/environ`);
  deepEqual(/\b(NOTIFY_SOCKET|WATCHDOG_USEC|CREDENTIALS_DIRECTORY)=/.exec(inherited), null);
  await worker.stop();
  await receiver.untilTold("STOPPING=1");
  await sandbox.assertEmpty();
});

test("a service manager does not wait for a worker that waits for its gateway", async ({ rpcServer }) => {
  await using sandbox = await Sandbox.create();
  await using receiver = await NotifyReceiver.create();
  const gateway = `http://127.0.0.1:${freePort()}`;
  const args = ["worker", "--gateway", gateway, "--rpc-server", rpcServer];
  await using worker = Program.start(sandbox, args, { env: { NOTIFY_SOCKET: receiver.name } });
  await receiver.untilTold("READY=1");
  match(receiver.status ?? "", new RegExp(`^waits for ${gateway}, to learn`));
  await worker.stop();
  await receiver.untilTold("STOPPING=1");
  await sandbox.assertEmpty();
});
