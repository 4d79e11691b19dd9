import { equal, match, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { RawClient } from "./raw_client.ts";

const PROGRAM = fileURLToPath(new URL("../../fakes/ollama_node_program.ts", import.meta.url));

Deno.test("the fake node's program says where it listens, obeys its lines, and is gone when it is killed", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", PROGRAM, JSON.stringify({ models: [{ name: "m:1" }] })],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number(
    /^listening http:\/\/127\.0\.0\.1:(\d+)\n$/.exec((await lines.read()).value ?? "")?.[1],
  );
  match((await RawClient.ask(port, "/api/tags")).text, /"m:1"/);
  const orders = child.stdin.getWriter();
  await orders.write(new TextEncoder().encode('["busy_429", {"retryAfter": "3"}]\n'));
  match((await lines.read()).value!, /"servedCount":0/);
  match(
    (await RawClient.ask(port, "/api/chat", { model: "m:1", messages: [{}] })).text,
    /Retry-After: 3\r\n/,
  );
  child.kill("SIGKILL");
  equal((await child.status).signal, "SIGKILL");
  await lines.cancel();
  await orders.abort();
  await rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
});

Deno.test("the fake node's program ends with the pipe that it hears of its starter by", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", PROGRAM],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await child.stdin.close();
  equal((await child.status).code, 0);
});
