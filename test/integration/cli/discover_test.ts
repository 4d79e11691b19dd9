import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { AdminBed } from "../gateway/admin_bed.ts";

async function discover(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["discover", ...args], host);
  return { exitCode, host };
}

/** One that is up at 127.0.1.5, an HTTP server at .6 on the same port, one that is held at .7. */
async function openNetwork() {
  await using owned = new AsyncDisposableStack();
  const up = owned.use(new FakeRpcBackend({ hostname: "127.0.1.5" }));
  const { port } = up.endpoint;
  owned.use(new FakeRpcBackend({ hostname: "127.0.1.6", port, behaviour: "http" }));
  owned.use(new FakeRpcBackend({ hostname: "127.0.1.7", port, behaviour: "silent" }));
  return Object.assign(owned.move(), { port: String(port) });
}

Deno.test("sollol discover shows what listens in a range, and ends with 0 if one is up", async () => {
  await using network = await openNetwork();
  const { exitCode, host } = await discover(["127.0.1.0/28", "--port", network.port, "--timeout", "400ms"]);
  equal(exitCode, 0, host.stderr.text);
  const lines = host.stdout.text.split("\n");
  deepEqual(lines.slice(0, 4).map((line) => line.split(/ {2,}/).slice(0, 2)), [
    ["ENDPOINT", "VERDICT"],
    [`127.0.1.5:${network.port}`, "up"],
    [`127.0.1.6:${network.port}`, "not-rpc"],
    [`127.0.1.7:${network.port}`, "held"],
  ]);
  match(host.stdout.text, /is an HTTP server, not a ggml-rpc-server/);
  match(host.stdout.text, /Asked 14 in .*; 11 refused the connection or did not answer\./);
  equal(host.stderr.text, "");
});

Deno.test("sollol discover --json prints one object, and ends with 1 if none is up", async () => {
  await using network = await openNetwork();
  const args = ["127.0.1.6-7", "--port", network.port, "--timeout", "400ms", "--json"];
  const { exitCode, host } = await discover(args);
  equal(exitCode, 1);
  const said = host.json() as Record<string, unknown> & { found: Record<string, unknown>[] };
  deepEqual(Object.keys(said), ["found", "askedCount", "unansweredCount", "elapsedMs"]);
  deepEqual(said.found.map(({ verdict }) => verdict), ["not-rpc", "held"]);
});

Deno.test("sollol discover that finds nothing says so", async () => {
  const { exitCode, host } = await discover(["127.0.1.77", "--port", "1,2"]);
  equal(exitCode, 1);
  match(host.stdout.text, /^Asked 2 in .*; 2 refused the connection or did not answer\.\n$/);
});

Deno.test("sollol discover shows its progress and its longest time on a terminal", async () => {
  await using network = await openNetwork();
  const host = new FakeCliHost({ isTerminal: true, env: { TERM: "xterm" } });
  const { exitCode } = await discover(["127.0.1.0/28", "--port", network.port, "--timeout", "400ms"], host);
  equal(exitCode, 0);
  match(host.stderr.text, /Asking 14 addresses, about 400 ms if nobody answers/);
  match(host.stderr.text, /found, last 127\.0\.1\.\d:\d+ \(/);
});

Deno.test("sollol discover --register tells the gateway of those that are up, and of no others", async () => {
  await using network = await openNetwork();
  await using bed = new AdminBed({ apiKeys: ["k"] });
  const args = [
    "127.0.1.0/28",
    "--port",
    network.port,
    "--timeout",
    "100ms",
    "--register",
    "--gateway",
    bed.url,
  ];
  const { exitCode, host } = await discover([...args, "--token", "k", "--json"]);
  equal(exitCode, 0, host.stderr.text);
  const endpoint = `127.0.1.5:${network.port}`;
  deepEqual([...bed.admin.backends.keys()], [endpoint]);
  deepEqual((host.json() as { registered: unknown }).registered, [
    { endpoint, isRegistered: true, health: "up", reason: `${endpoint} is up` },
  ]);
});

Deno.test("sollol discover --register notices a wrong key before it scans", async () => {
  await using backend = new FakeRpcBackend();
  await using bed = new AdminBed({ apiKeys: ["k"] });
  const args = ["127.0.0.1", "--port", String(backend.endpoint.port), "--register", "--gateway", bed.url];
  const { exitCode, host } = await discover(args);
  equal(exitCode, 1);
  match(host.stderr.text, /wants an API key that it knows; give it with --token KEY/);
  equal(backend.acceptedCount, 0);
});

for (
  const { name, args, want } of [
    { name: "no range", args: [], want: /RANGE is missing/ },
    { name: "everything", args: ["0.0.0.0/0"], want: /not private as a whole/ },
    { name: "other people's machines", args: ["8.8.8.0/24"], want: /not ours to scan/ },
    { name: "too much", args: ["10.0.0.0/8"], want: /has 16777216 addresses/ },
    { name: "IPv6", args: ["fe80::/64"], want: /IPv4 only/ },
    { name: "a name", args: ["shelf.lan"], want: /not of names/ },
    { name: "port 0", args: ["127.0.0.1", "--port", "0"], want: /--port: "0" is no port/ },
    {
      name: "a port that is none",
      args: ["127.0.0.1", "--port", "50052-50060"],
      want: /"50052-50060" is no port/,
    },
    { name: "a port scan", args: ["127.0.0.1", "--port", "1,2,3,4,5,6,7,8,9"], want: /9 ports are too many/ },
    { name: "no time", args: ["127.0.0.1", "--timeout", "0"], want: /--timeout/ },
    { name: "two ranges", args: ["127.0.0.1", "127.0.0.2"], want: /unexpected argument/ },
    {
      name: "a gateway that is no URL",
      args: ["127.0.0.1", "--register", "--gateway", "ftp://x"],
      want: /--gateway/,
    },
  ]
) {
  Deno.test(`sollol discover refuses ${name} as wrong usage`, async () => {
    const { exitCode, host } = await discover(args);
    equal(exitCode, 2);
    match(host.stderr.text, want);
  });
}

Deno.test("sollol discover ends at once when it is interrupted", async () => {
  await using backend = new FakeRpcBackend({ behaviour: "silent" });
  const stop = new AbortController();
  const host = new FakeCliHost({ signal: stop.signal });
  const running = discover(["127.0.0.1", "--port", String(backend.endpoint.port), "--timeout", "1h"], host);
  while (backend.acceptedCount === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  equal((await running).exitCode, 130);
  ok(host.stdout.text === "");
});
