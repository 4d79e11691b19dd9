import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { AdminBed } from "../gateway/admin_bed.ts";

async function backends(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["backends", ...args], host);
  return { exitCode, host };
}

/** A server that answers everything in one way. */
function serve(answer: () => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, [Symbol.asyncDispose]: () => server.shutdown() };
}

const gpu = {
  ...backendView("x").devices[0]!,
  kind: "gpu" as const,
  freeBytes: 9 * GIB,
  totalBytes: 24 * GIB,
};

Deno.test("sollol backends shows the registry as a table, and below it what is to be said", async () => {
  await using bed = new AdminBed();
  const views = [
    backendView("10.0.0.1:50052", {
      build: "b11669",
      sources: ["config", "worker"],
      devices: [{ ...gpu, memoryKey: "a" }, { ...gpu, memoryKey: "b" }, {
        ...gpu,
        kind: "cpu",
        memoryKey: "b",
      }],
    }),
    backendView("10.0.0.2:50052", { health: "down", reason: "Nothing listens there", devices: [] }),
    backendView("10.0.0.3:50052", {
      ...{ health: "held", holder: "coordinator of x", reason: "held by us", ageMs: undefined },
      ...{ isDraining: true, aliases: ["gpu3:50052"], protocol: undefined },
      limits: { ...UNLIMITED, isExcluded: true, memoryLimitBytes: 4 * GIB },
    }),
  ];
  for (const view of views) bed.admin.backends.set(view.endpoint, view);
  const { exitCode, host } = await backends(["--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  deepEqual(host.stdout.text.split("\n").map((line) => line.split(/ {2,}/)), [
    ["RPC BACKEND", "HEALTH", "HELD BY", "VERSION", "DEVICES", "FREE", "TOTAL", "SOURCES", "AGE"],
    [
      "10.0.0.1:50052",
      "up",
      "-",
      "8.0.0 b11669",
      "2 gpu, 1 cpu",
      "18.0 GiB",
      "48.0 GiB",
      "config, worker",
      "1.0 s",
    ],
    ["10.0.0.2:50052", "down", "-", "8.0.0", "-", "-", "-", "config", "1.0 s"],
    ["10.0.0.3:50052", "held", "coordinator of x", "-", "1 cpu", "24.0 GiB", "24.0 GiB", "config", "-"],
    [""],
    ["Nothing listens there"],
    ["10.0.0.3:50052 is draining: its worker is about to stop"],
    ["10.0.0.3:50052 is excluded: no model is planned onto it"],
    ["10.0.0.3:50052 is limited to 4.0 GiB"],
    ["10.0.0.3:50052 is also reached as gpu3:50052"],
    [""],
  ]);
});

Deno.test("sollol backends --json prints all that the gateway tells, with every key", async () => {
  await using bed = new AdminBed();
  const view = backendView("10.0.0.1:50052");
  bed.admin.backends.set(view.endpoint, view);
  const { exitCode, host } = await backends(["--gateway", bed.url.replace("http://", ""), "--json"]);
  equal(exitCode, 0, host.stderr.text);
  const withNulls = JSON.parse(JSON.stringify(view, (_key, value) => value === undefined ? null : value));
  deepEqual(host.json(), [withNulls]);
});

Deno.test("sollol backends of none says how to add some", async () => {
  await using bed = new AdminBed();
  const { exitCode, host } = await backends(["--gateway", bed.url]);
  equal(exitCode, 0);
  match(host.stdout.text, /knows no rpc backends; add some with "sollol register HOST:PORT"/);
});

Deno.test("sollol backends asks the gateway of the configuration, also where that listens everywhere", async () => {
  await using bed = new AdminBed({ apiKeys: ["k"] });
  const { port } = new URL(bed.url);
  for (const listen of [port, `0.0.0.0:${port}`, `127.0.0.1:${port}`]) {
    const { exitCode, host } = await backends(["--set", `listen=${listen}`, "--set", "api_keys=k"]);
    equal(exitCode, 0, host.stderr.text);
  }
});

Deno.test("sollol backends without a gateway says how to start one", async () => {
  const { exitCode, host } = await backends(["--gateway", "http://127.0.0.1:1", "--json"]);
  equal(exitCode, 1);
  deepEqual(host.json(), {
    error: {
      code: "upstream_failed",
      message:
        `No gateway runs at http://127.0.0.1:1; start it with "sollol serve", or say where it is with --gateway URL`,
    },
  });
});

for (
  const { name, answer } of [
    { name: "Ollama", answer: () => new Response("404 page not found", { status: 404 }) },
    { name: "a web server", answer: () => new Response("<html>hello</html>") },
    { name: "another API", answer: () => Response.json({ backends: "none" }) },
    { name: "a gateway with other views", answer: () => Response.json({ backends: [{ endpoint: "a:1" }] }) },
    { name: "an error without a sentence", answer: () => Response.json({ error: "nope" }, { status: 500 }) },
    { name: "a redirection", answer: () => Response.redirect("http://127.0.0.1:1/") },
  ]
) {
  Deno.test(`sollol backends says that ${name} is no gateway`, async () => {
    await using server = serve(answer);
    const { exitCode, host } = await backends(["--gateway", server.url]);
    equal(exitCode, 1);
    match(host.stderr.text, /as no sollol gateway of this version does; check --gateway/);
  });
}

Deno.test("sollol backends repeats the gateway's own sentence, without what could steer a terminal", async () => {
  const error = { code: "shutting_down", message: "The gateway\u001b[2J ends" };
  await using server = serve(() => Response.json({ error }, { status: 503 }));
  const { exitCode, host } = await backends(["--gateway", server.url]);
  equal(exitCode, 1);
  match(host.stderr.text, /The gateway\u{fffd}\[2J ends/u);
});

Deno.test("sollol backends shows hostile names as they are, without what could steer a terminal", async () => {
  await using bed = new AdminBed();
  const view = backendView("10.0.0.1:50052", {
    holder: "\u001b]0;owned\u0007",
    health: "held",
    reason: "\u202ex",
  });
  bed.admin.backends.set(view.endpoint, view);
  const { host } = await backends(["--gateway", bed.url]);
  for (const hostile of ["\u001b", "\u0007", "\u202e"]) equal(host.stdout.text.includes(hostile), false);
});

Deno.test("sollol backends ends at once when it is interrupted", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = serve(() => (asked.resolve(), answer.promise));
  const stop = new AbortController();
  const running = backends(["--gateway", server.url], new FakeCliHost({ signal: stop.signal }));
  await asked.promise;
  stop.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  equal((await running).exitCode, 130);
  answer.resolve(new Response());
});

Deno.test("sollol backends shows the configuration's key to no gateway on another machine", async () => {
  await using bed = new AdminBed({ apiKeys: ["k"] });
  // As a destination 0.0.0.0 is this machine too, but no name of loopback: it stands for another machine here.
  const gateway = bed.url.replace("127.0.0.1", "0.0.0.0");
  const ours = ["--set", "api_keys=k"];
  equal((await backends(["--gateway", bed.url, ...ours])).exitCode, 0);
  const { exitCode, host } = await backends(["--gateway", gateway, ...ours]);
  equal(exitCode, 1);
  match(host.stderr.text, /wants an API key/);
  equal((await backends(["--gateway", gateway, "--token", "k"])).exitCode, 0);
});
