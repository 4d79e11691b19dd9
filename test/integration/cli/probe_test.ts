import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { writeInstallation } from "../../../lib/llama_cpp/installation.ts";
import { formatEndpoint } from "../../../lib/rpc/endpoint.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";

async function probe(args: string[], env: Record<string, string> = {}) {
  const host = new FakeCliHost({ env });
  const exitCode = await runCli(createRoot(), ["probe", ...args], host);
  return { exitCode, host };
}

const devices = [{ freeBytes: 10 * GIB, totalBytes: 24 * GIB }, { freeBytes: 2 * GIB, totalBytes: 8 * GIB }];

Deno.test("sollol probe shows the memory of all devices and ends with 0 if all are up", async () => {
  await using backend = new FakeRpcBackend({ devices });
  const { exitCode, host } = await probe([formatEndpoint(backend.endpoint)]);
  equal(exitCode, 0, host.stderr.text);
  const [titles, row, ...more] = host.stdout.text.split("\n");
  deepEqual(titles?.split(/ {2,}/), ["ENDPOINT", "VERDICT", "PROTOCOL", "DEVICES", "FREE", "TOTAL"]);
  deepEqual(row?.split(/ {2,}/), [
    formatEndpoint(backend.endpoint),
    "up",
    "8.0.0",
    "2",
    "12.0 GiB",
    "32.0 GiB",
  ]);
  deepEqual(more, [""]);
});

Deno.test("sollol probe says why one of them is not up, and ends with 1", async () => {
  await using up = new FakeRpcBackend();
  await using odd = new FakeRpcBackend({ behaviour: "http" });
  const names = [up, odd].map(({ endpoint }) => formatEndpoint(endpoint));
  const { exitCode, host } = await probe([names.join(",")]);
  equal(exitCode, 1);
  match(host.stdout.text, new RegExp(`^${names[1]} +not-rpc +- +- +- +-$`, "m"));
  match(host.stdout.text, new RegExp(`^${names[1]} is an HTTP server.*check the port$`, "m"));
});

Deno.test("sollol probe --json prints one array with stable keys and nothing else", async () => {
  await using up = new FakeRpcBackend({ devices });
  const endpoint = formatEndpoint(up.endpoint);
  const { exitCode, host } = await probe([endpoint, "127.0.0.1:1", "--json", "--timeout", "1s"]);
  equal(exitCode, 1);
  const [one, other] = host.json() as Record<string, unknown>[];
  deepEqual({ ...one, reason: "", connectMs: 0, answerMs: 0 }, {
    ...{ endpoint, verdict: "up", reason: "", version: "8.0.0", devices, connectMs: 0, answerMs: 0 },
  });
  deepEqual(other, {
    endpoint: "127.0.0.1:1",
    verdict: "down",
    reason: "Nothing listens at 127.0.0.1:1; start ggml-rpc-server there",
    version: null,
    devices: [],
    connectMs: null,
    answerMs: null,
  });
});

Deno.test("sollol probe asks one that is named twice only once, which would else wait for itself", async () => {
  await using backend = new FakeRpcBackend();
  const { port } = backend.endpoint;
  const { exitCode, host } = await probe([`127.0.0.1:${port}`, `127.0.0.1:${port}`, "--json"]);
  equal(exitCode, 0);
  equal((host.json() as unknown[]).length, 1);
});

Deno.test("sollol probe without arguments asks those of the configuration", async () => {
  await using backend = new FakeRpcBackend();
  const { exitCode, host } = await probe(["--json"], { RPC_BACKENDS: formatEndpoint(backend.endpoint) });
  equal(exitCode, 0, host.stderr.text);
  const none = await probe([]);
  equal(none.exitCode, 2);
  match(none.host.stderr.text, /HOST:PORT is missing, and the configuration has no rpc_backends either/);
});

for (
  const { name, args, want } of [
    { name: "an address that llama.cpp cannot reach", args: ["[::1]:50052"], want: /IPv4 only/ },
    {
      name: "a timeout that is none",
      args: ["127.0.0.1:1", "--timeout", "soon"],
      want: /--timeout: "soon" is not a duration/,
    },
  ]
) {
  Deno.test(`sollol probe refuses ${name} as wrong usage`, async () => {
    const { exitCode, host } = await probe(args);
    equal(exitCode, 2);
    match(host.stderr.text, want);
  });
}

Deno.test("sollol probe ends at once when it is interrupted", async () => {
  await using backend = new FakeRpcBackend({ behaviour: "silent" });
  const stop = new AbortController();
  const host = new FakeCliHost({ signal: stop.signal });
  const args = ["probe", formatEndpoint(backend.endpoint), "--timeout", "1h"];
  const running = runCli(createRoot(), args, host);
  while (backend.acceptedCount === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  equal(await running, 130);
});

Deno.test("sollol probe reads the config file that is named", async () => {
  await using backend = new FakeRpcBackend();
  const directory = await Deno.makeTempDir();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(directory, { recursive: true }));
  const path = join(directory, "c.yaml");
  await Deno.writeTextFile(path, `rpc_backends: [{host: 127.0.0.1, port: ${backend.endpoint.port}}]`);
  equal((await probe(["--config", path])).exitCode, 0);
});

for (
  const { name, recorded, want } of [
    { name: "refuses a protocol that our llama.cpp does not speak", recorded: "8.0.0", want: "mismatch" },
    { name: "takes any protocol where ours is not known", recorded: undefined, want: "up" },
  ]
) {
  Deno.test(`sollol probe ${name}`, async () => {
    await using old = new FakeRpcBackend({ version: { major: 7, minor: 0, patch: 0 }, devices });
    await using installed = await fakePrefix(recorded);
    const { host } = await probe([formatEndpoint(old.endpoint), "--json"], {
      SOLLOL_LLAMA_CPP_PREFIX: installed.prefix,
    });
    const [result] = host.json() as { verdict: string; reason: string }[];
    equal(result!.verdict, want, result!.reason);
  });
}

/** A prefix with a llama-server and a record of what it speaks. */
async function fakePrefix(rpcProtocol: string | undefined) {
  const prefix = await Deno.makeTempDir();
  await Deno.mkdir(join(prefix, "bin"));
  await Deno.writeTextFile(join(prefix, "bin/llama-server"), "#!/bin/sh\n", { mode: 0o755 });
  await writeInstallation(prefix, {
    schema: 1,
    suite: "forky",
    mirror: "http://mirror.invalid/debian",
    architecture: "amd64",
    version: "0.7.0 (build 11669, commit Debian)",
    rpcProtocol,
    packages: {},
    createdAt: "2026-01-01T00:00:00.000Z",
  });
  return { prefix, [Symbol.asyncDispose]: () => Deno.remove(prefix, { recursive: true }) };
}
