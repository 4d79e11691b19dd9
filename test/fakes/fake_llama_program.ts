/**
 * A program that takes llama-server's arguments and misbehaves as `FAKE_LLAMA` says, in ways that the real one
 * cannot be brought to: `ok`, `no-weights` on the last backend, `stray-weights` on one that was not planned,
 * `mute` (never says that it listens), `flood` (a line of 10 MB first), `dies` (after it was ready, without a word),
 * `never-ready`.
 */
const mode = Deno.env.get("FAKE_LLAMA") ?? "ok";

function valueOf(flag: string): string {
  return Deno.args[Deno.args.indexOf(flag) + 1] ?? "";
}

const encoder = new TextEncoder();
function say(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
}

if (mode === "flood") say("x".repeat(10 * 1024 * 1024));
say("0.00.031.451 I cmn  common_param: device_info:");
const endpoints = valueOf("--rpc").split(",");
const holders = mode === "no-weights" ? endpoints.slice(0, -1) : endpoints;
for (const endpoint of mode === "stray-weights" ? [...holders, "10.9.9.9:50052"] : holders) {
  say(`0.00.043.706 I load_tensors: RPC0[${endpoint}] model buffer size =     1.41 MiB`);
}

const path = valueOf("--host");
Deno.serve({
  path,
  onListen: () => {
    if (mode !== "mute") say(`0.00.077.960 I srv  llama_server: listening on unix://${path}`);
  },
}, (request) => {
  if (mode === "never-ready") return Response.json({ error: { code: 503 } }, { status: 503 });
  if (mode === "dies") setTimeout(() => Deno.exit(3), 50);
  if (request.url.endsWith("/health")) return Response.json({ status: "ok" });
  return Response.json({ model_path: "x", total_slots: 2, default_generation_settings: { n_ctx: 256 } });
});
