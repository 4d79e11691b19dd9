import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { NodeBed } from "../gateway/node_bed.ts";

async function discover(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["discover", "--ollama", ...args], host);
  return { exitCode, host };
}

/** One Ollama at 127.0.2.5, a web server at .6 on the same port, one that is silent at .7. */
async function openNetwork() {
  await using owned = new AsyncDisposableStack();
  const up = owned.use(await FakeOllamaNode.start({ host: "127.0.2.5" }));
  const { port } = up;
  const web = Deno.serve({ hostname: "127.0.2.6", port, onListen: () => {} }, () => new Response("<html>"));
  owned.defer(() => web.shutdown());
  const silent = Deno.listen({ hostname: "127.0.2.7", port });
  owned.defer(() => silent.close());
  return Object.assign(owned.move(), { port: String(port), up });
}

Deno.test("sollol discover --ollama shows what answers in a range, and ends with 0 if one is an Ollama", async () => {
  await using network = await openNetwork();
  const { exitCode, host } = await discover(["127.0.2.0/28", "--port", network.port]);
  equal(exitCode, 0, host.stderr.text);
  const lines = host.stdout.text.split("\n").map((line) => line.split(/ {2,}/).slice(0, 2));
  deepEqual(lines.slice(0, 3), [
    ["NODE", "VERDICT"],
    [`http://127.0.2.5:${network.port}`, "up"],
    [`http://127.0.2.6:${network.port}`, "not usable"],
  ]);
  match(host.stdout.text, /http:\/\/127\.0\.2\.6:\d+: it answered GET \/api\/version with something else/);
  match(host.stdout.text, /Asked 14 in .*; 12 refused the connection or did not answer\./);
  deepEqual([...network.up.counts.keys()].toSorted(), ["/api/ps", "/api/tags", "/api/version"]);
});

Deno.test("sollol discover --ollama --json prints one object, and ends with 1 if none is up", async () => {
  await using network = await openNetwork();
  const { exitCode, host } = await discover(["127.0.2.6", "--port", network.port, "--json"]);
  equal(exitCode, 1);
  const said = host.json() as Record<string, unknown> & { found: { isUp: boolean }[] };
  deepEqual(Object.keys(said), ["found", "askedCount", "unansweredCount", "elapsedMs"]);
  deepEqual(said.found.map(({ isUp }) => isUp), [false]);
});

Deno.test("sollol discover --ollama --register tells the gateway of those that are up, and of no others", async () => {
  await using network = await openNetwork();
  await using bed = new NodeBed({ apiKeys: ["k"] });
  const args = ["127.0.2.5-7", "--port", network.port, "--register", "--gateway", bed.url];
  const { exitCode, host } = await discover([...args, "--token", "k"]);
  equal(exitCode, 0, host.stderr.text);
  const url = `http://127.0.2.5:${network.port}`;
  deepEqual(bed.nodes.said, [{ url }]);
  match(host.stdout.text, new RegExp(`\n${url} is registered and up\n$`));
  bed.nodes.nextView = { health: "down", reason: "it went" };
  const second = await discover([...args, "--token", "k", "--json"]);
  equal(second.exitCode, 1);
  deepEqual((second.host.json() as { registered: unknown }).registered, [
    { url, isRegistered: true, health: "down", reason: "it went" },
  ]);
});

Deno.test("sollol discover --ollama --register notices a wrong key before it scans", async () => {
  await using network = await openNetwork();
  await using bed = new NodeBed({ apiKeys: ["k"] });
  const { exitCode, host } = await discover([
    "127.0.2.5",
    "--port",
    network.port,
    "--register",
    "--gateway",
    bed.url,
  ]);
  equal(exitCode, 1);
  match(host.stderr.text, /wants an API key/);
  equal(network.up.connectionCount, 0);
});

Deno.test("sollol discover --ollama shows its progress on a terminal", async () => {
  await using network = await openNetwork();
  const host = new FakeCliHost({ isTerminal: true, env: { TERM: "xterm" } });
  await discover(["127.0.2.5-7", "--port", network.port, "--timeout", "200ms"], host);
  match(host.stderr.text, /Asking 3 addresses for their Ollama, about 200 ms if nobody answers/);
  match(host.stderr.text, /found, last http:\/\/127\.0\.2\./);
});

for (
  const { name, args, want } of [
    { name: "no range", args: [], want: /RANGE is missing/ },
    { name: "other people's machines", args: ["8.8.8.0/24"], want: /not ours to scan/ },
    { name: "too much", args: ["10.0.0.0/8"], want: /has 16777216 addresses/ },
    { name: "port 0", args: ["127.0.0.1", "--port", "0"], want: /--port: "0" is no port/ },
  ]
) {
  Deno.test(`sollol discover --ollama refuses ${name} as wrong usage`, async () => {
    const { exitCode, host } = await discover(args);
    equal(exitCode, 2);
    match(host.stderr.text, want);
  });
}

Deno.test("sollol discover --ollama ends at once when it is interrupted", async () => {
  await using network = await openNetwork();
  const stop = new AbortController();
  const host = new FakeCliHost({ signal: stop.signal });
  const running = discover(["127.0.2.7", "--port", network.port, "--timeout", "1h"], host);
  await new Promise((resolve) => setTimeout(resolve, 20));
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  deepEqual([(await running).exitCode, host.stdout.text], [130, ""]);
});
