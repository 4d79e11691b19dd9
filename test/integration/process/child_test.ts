import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { GatewayError } from "../../../lib/errors.ts";
import { ChildGone, ChildProcess } from "../../../lib/process/child.ts";
import { canBindLifetime } from "../../../lib/process/wrapped_command.ts";
import { isRunning, untilGone, untilLine } from "./process_probe.ts";

async function shell(script: string, options: { ignoreSigpipe?: boolean } = {}): Promise<{
  child: ChildProcess;
  lines: string[];
}> {
  const lines: string[] = [];
  const child = await ChildProcess.spawn({
    program: "sh",
    args: ["-c", script],
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    ...options,
  });
  return { child, lines };
}

Deno.test("a child's lines of both pipes are heard before its exit is told", async () => {
  const { child, lines } = await shell("echo out; echo err >&2; printf last; exit 3");
  await using _ = child;
  const exit = await child.exited;
  equal(exit.sentence, "exited with code 3");
  deepEqual(lines.toSorted(), ["stderr: err", "stdout: last", "stdout: out"]);
  ok(child.gone.aborted && child.gone.reason instanceof ChildGone);
  equal(child.gone.reason.message, "sh exited with code 3");
  equal(child.isAlive, false);
});

Deno.test("a child that writes megabytes that nobody wants is not blocked", async () => {
  const child = await ChildProcess.spawn({
    program: "sh",
    args: ["-c", "head -c 5000000 /dev/zero; echo done >&2"],
  });
  await using _ = child;
  equal((await child.exited).code, 0);
});

Deno.test("the exit tells the signal that ended the child", async () => {
  const { child } = await shell("kill -SEGV $$");
  await using _ = child;
  equal((await child.exited).signal, "SIGSEGV");
});

Deno.test("stop() sends each signal in turn, and SIGKILL to a child that ignores them", async () => {
  const { child, lines } = await shell("trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done");
  await using _ = child;
  await untilLine(lines, "stdout: ready");
  const exit = await child.stop([{ signal: "SIGTERM", graceMs: 60 }, { signal: "SIGTERM", graceMs: 60 }]);
  equal(exit.signal, "SIGKILL");
  equal(lines.filter((line) => line === "stdout: asked").length, 2);
});

Deno.test("stop() ends as soon as the child obeys", async () => {
  const { child, lines } = await shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  await using _ = child;
  await untilLine(lines, "stdout: ready");
  equal((await child.stop([{ signal: "SIGTERM", graceMs: 60_000 }])).code, 7);
});

Deno.test("a grandchild dies with the child, also when the child exits by itself", async () => {
  const { child, lines } = await shell("sleep 1000 & echo $!; exit 0");
  await using _ = child;
  await child.exited;
  await untilGone(Number(lines[0]!.replace("stdout: ", "")));
});

Deno.test("disposal leaves nothing of the group alive", async () => {
  const { child, lines } = await shell("trap '' TERM; sleep 1000 & echo $!; wait");
  await untilLine(lines, /stdout: \d+/);
  const grandchild = Number(lines[0]!.replace("stdout: ", ""));
  await child[Symbol.asyncDispose]();
  await untilGone(child.pid);
  await untilGone(grandchild);
});

Deno.test("disposal that races the exit neither throws nor signals a stranger", async () => {
  for (let round = 0; round < 20; round++) {
    const { child } = await shell("exit 0");
    if (round % 2 === 0) await delay(round / 10);
    await Promise.all([child[Symbol.asyncDispose](), child.stop(), child[Symbol.asyncDispose]()]);
    equal(child.signal("SIGKILL"), false);
  }
});

Deno.test("a grandchild that left the group and holds the pipes does not hold up the exit", async () => {
  const { child, lines } = await shell("setsid sleep 1000 & echo $!; sleep 0.05");
  await using _ = child;
  const exit = await child.exited;
  equal(exit.code, 0);
  Deno.kill(Number(lines[0]!.replace("stdout: ", "")), "SIGKILL");
});

Deno.test("ignoreSigpipe starts the child with SIGPIPE ignored, and without it the default holds", async () => {
  for (
    const { ignoreSigpipe, want } of [{ ignoreSigpipe: true, want: 0x1000n }, {
      ignoreSigpipe: false,
      want: 0n,
    }]
  ) {
    const { child, lines } = await shell("grep SigIgn /proc/self/status", { ignoreSigpipe });
    await using _ = child;
    await child.exited;
    equal(BigInt(`0x${lines[0]!.split("\t")[1]}`) & 0x1000n, want, lines[0]);
  }
});

Deno.test("the environment is the one given, whole", async () => {
  const lines: string[] = [];
  await using child = await ChildProcess.spawn({
    program: "env",
    env: { PATH: Deno.env.get("PATH")!, ONLY: "this" },
    onLine: (line) => lines.push(line),
  });
  await child.exited;
  deepEqual(lines.filter((line) => !line.startsWith("PATH=")), ["ONLY=this"]);
});

for (
  const { name, program, want } of [
    { name: "does not exist", program: "/nonexistent/llama-server", want: /does not exist; check the path/ },
    { name: "is not on PATH", program: "no-such-program-anywhere", want: /not on PATH; install it/ },
    { name: "is a directory", program: "/tmp", want: /it is no file/ },
    { name: "may not be executed", program: "/etc/passwd", want: /may not be executed/ },
  ]
) {
  Deno.test(`spawn() of a program that ${name} is a GatewayError that says so`, async () => {
    await rejects(ChildProcess.spawn({ program }), (error) => {
      ok(error instanceof GatewayError && error.code === "backend_unreachable");
      match(error.message, want);
      match(error.message, new RegExp(`^Cannot start "${program}"`));
      return true;
    });
  });
}

Deno.test("a script without its interpreter is told in a sentence", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "#!/nonexistent/interpreter\n");
  await Deno.chmod(path, 0o755);
  try {
    await using child = await ChildProcess.spawn({ program: path });
    match((await child.exited).sentence, /^could not be started \(code 127\).*interpreter does not exist/);
  } catch (error) { // where there is no setpriv the spawn itself fails
    if (await canBindLifetime()) throw error;
    ok(error instanceof GatewayError);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "children die with a parent that was killed by SIGKILL",
  ignore: !await canBindLifetime(),
  fn: async () => {
    const lines: string[] = [];
    await using parent = await ChildProcess.spawn({
      program: Deno.execPath(),
      args: ["run", "-A", "--no-lock", new URL("./parent_program.ts", import.meta.url).pathname],
      onLine: (line) => lines.push(line),
    });
    await untilLine(lines, /^\d+$/);
    const orphan = Number(lines.find((line) => /^\d+$/.test(line)));
    ok(isRunning(orphan));
    Deno.kill(parent.pid, "SIGKILL"); // the pid alone: the child leads a group of its own
    await parent.exited;
    await untilGone(orphan);
  },
});
