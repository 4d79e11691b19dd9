/**
 * A program that takes ggml-rpc-server's arguments and misbehaves as `FAKE_RPC_SERVER` says: `ok`, `dies` (with
 * exit code 0, as soon as it has a client), `cannot-bind` (says so and ends with 0, as the real one does), `mute`
 * (listens without a word), `deaf` (says all, but does not listen).
 */
const mode = Deno.env.get("FAKE_RPC_SERVER") ?? "ok";

function valueOf(flag: string, fallback: string): string {
  const index = Deno.args.indexOf(flag);
  return index < 0 ? fallback : Deno.args[index + 1]!;
}

const [hostname, port] = [valueOf("-H", "127.0.0.1"), Number(valueOf("-p", "50052"))];
const say = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));

if (mode !== "mute") {
  say("load_backend: loaded CPU backend from libggml-cpu.so");
  say("Starting RPC server v8.0.0");
  say(`  endpoint       : ${hostname}:${port}`);
  say("Devices:");
  for (const name of valueOf("-d", "CPU").split(",")) {
    say(`  ${name}: A fake device (1000 MiB, 900 MiB free)`);
  }
  say("  transport      : TCP");
}
if (mode === "cannot-bind") {
  say("Failed to create server socket");
  Deno.exit(0);
}
if (mode === "deaf") setInterval(() => {}, 1_000);
else {
  for await (const client of Deno.listen({ hostname, port })) {
    say("Accepted client connection");
    if (mode === "dies") Deno.exit(0);
    await client.read(new Uint8Array(1)).catch(() => null);
    client.close();
  }
}
