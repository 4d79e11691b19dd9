import { equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { chat } from "./chat.ts";
import { freePort } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("a gateway whose log goes to a full disk keeps serving", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  const listen = `127.0.0.1:${freePort("127.0.0.1")}`;
  const args = await bed.serveArgs({ args: ["--listen", listen, "--state-dir", "/dev/full/no"] });
  await using program = Program.start(bed.sandbox, args, {
    through: ["sh", "-c", 'exec "$@" >/dev/full', "sh"],
  });
  await eventually("it listens", () => isUp(listen));
  for (let count = 0; count < 20; count++) equal((await chat(`http://${listen}`)).status, 200);
  program.signal("SIGTERM");
  equal((await program.ended).code, 0);
  await bed.assertNothingLeft();
});

test("a gateway whose log nobody reads any more keeps serving", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  await gateway.program.stdout.leave();
  for (let count = 0; count < 5; count++) equal((await chat(gateway.url)).status, 200);
  await gateway.stop();
  await bed.assertNothingLeft();
});

for (
  const { name, signals } of [
    { name: "one signal", signals: ["SIGTERM"] },
    { name: "a second signal", signals: ["SIGTERM", "SIGINT"] },
  ] as const
) {
  Deno.test(`a gateway whose log is stuck in a full pipe exits in order after ${name}`, async () => {
    await using sandbox = await Sandbox.create();
    const listen = `127.0.0.1:${freePort("127.0.0.1")}`;
    await using gateway = startWithFullPipe(sandbox, ["serve", "--listen", listen]);
    await eventually("it listens", () => isUp(listen));
    for (const signal of signals) {
      gateway.kill(signal);
      await eventually("it has stopped listening", async () => !await isUp(listen));
    }
    const { code } = await gateway.status;
    equal(code, 0);
    await gateway.stdout.cancel();
  });
}

/** Its stdout is a pipe that is full before it starts, and that nobody reads. */
function startWithFullPipe({ env }: Sandbox, args: readonly string[]): Deno.ChildProcess {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const sollol = [Deno.execPath(), "run", "--allow-all", "--no-check", main, ...args];
  return new Deno.Command("sh", {
    args: ["-c", 'head -c 65536 /dev/zero; exec "$@"', "sh", ...sollol],
    env: { ...env },
    clearEnv: true,
    stdout: "piped",
  }).spawn();
}

function isUp(listen: string): Promise<boolean> {
  return fetch(`http://${listen}/health`).then(
    async (response) => (await response.body?.cancel(), response.ok),
    () => false,
  );
}
