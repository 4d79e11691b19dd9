import { equal, match } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../fixtures/cli_program.ts", import.meta.url));

function start(...args: string[]): Deno.ChildProcess {
  return startThrough([], ...args);
}

function startThrough(through: readonly string[], ...args: string[]): Deno.ChildProcess {
  const [first, ...rest] = [
    ...through,
    Deno.execPath(),
    "run",
    "--allow-all",
    "--no-check",
    program,
    ...args,
  ];
  const command = new Deno.Command(first!, {
    args: rest,
    stdout: "piped",
    stderr: "piped",
  });
  return command.spawn();
}

/** Reads until a text was seen; the stream can still be read on. */
async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let seen = ""; !seen.includes(text);) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended before "${text}": ${seen}`);
    seen += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`a command is told of ${signal}, ends in order, and the program ends with 130`, async () => {
    await using child = start("wait");
    await readUntil(child.stdout, "ready\n");
    child.kill(signal);
    const [stderr, { code }] = await Promise.all([child.stderr.text(), child.status, child.stdout.cancel()]);
    equal(stderr, "told to end\nprog: Interrupted\n");
    equal(code, 130);
  });
}

Deno.test("a command that was started by nohup outlives its terminal: SIGHUP ended it", async () => {
  await using child = startThrough(["nohup"], "wait");
  await readUntil(child.stdout, "ready\n");
  child.kill("SIGHUP");
  const isOver = await Promise.race([child.status.then(() => true), delay(100, false)]);
  equal(isOver, false);
  child.kill("SIGTERM");
  const [stderr, { code }] = await Promise.all([child.stderr.text(), child.status, child.stdout.cancel()]);
  match(stderr, /told to end\nprog: Interrupted\n$/);
  equal(code, 130);
});

Deno.test("a terminal that is closed sends SIGHUP twice, which tells nobody to hurry", async () => {
  await using child = start("wait", "--until", "hurry");
  await readUntil(child.stdout, "ready\n");
  child.kill("SIGHUP");
  await readUntil(child.stderr, "told to end\n");
  child.kill("SIGHUP");
  const isOver = await Promise.race([child.status.then(() => true), delay(100, false)]);
  equal(isOver, false);
  child.kill("SIGTERM");
  equal((await child.status).code, 130);
  await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
});

Deno.test("a second signal tells a command to hurry, and still lets it end in order", async () => {
  await using child = start("wait", "--until", "hurry");
  await readUntil(child.stdout, "ready\n");
  child.kill("SIGTERM");
  await readUntil(child.stderr, "told to end\n");
  child.kill("SIGINT");
  const [stderr, { code }] = await Promise.all([child.stderr.text(), child.status, child.stdout.cancel()]);
  equal(stderr, "told to hurry\nprog: Interrupted\n");
  equal(code, 130);
});

Deno.test("a third signal ends a program whatever its command does", async () => {
  await using child = start("wait", "--until", "never");
  await readUntil(child.stdout, "ready\n");
  child.kill("SIGINT");
  await readUntil(child.stderr, "told to end\n");
  child.kill("SIGINT");
  await readUntil(child.stderr, "told to hurry\n");
  child.kill("SIGINT");
  equal((await child.status).code, 130);
  await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
});

Deno.test("a program whose reader leaves ends without a word", async () => {
  await using child = start("flood");
  await readUntil(child.stdout, "line 1\n");
  await child.stdout.cancel();
  equal(await child.stderr.text(), "");
  equal((await child.status).success, false);
});

Deno.test("a program writes all of its output before it ends", async () => {
  await using child = start("flood");
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  equal(stderr, "");
  equal(stdout.split("\n").length, 100_001);
  equal((await child.status).code, 0);
});
