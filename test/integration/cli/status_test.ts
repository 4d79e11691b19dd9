import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { externalView } from "../../fixtures/gateway_statuses.ts";
import { nodeView } from "../../fixtures/node_views.ts";
import { NodeBed } from "../gateway/node_bed.ts";

async function status(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["status", ...args], host);
  return { exitCode, host };
}

/** One of each, all of them well. */
function populate(bed: NodeBed): void {
  bed.nodes.views.push(nodeView("gpu"));
  bed.backends.backends.set("10.0.0.1:50052", backendView("10.0.0.1:50052"));
  bed.coordinators.add(coordinatorReport("big"));
  bed.health.externalCoordinators.push(externalView());
}

Deno.test("sollol status ends with 0 and says so if all is well", async () => {
  await using bed = new NodeBed();
  populate(bed);
  const { exitCode, host } = await status(["--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  const lines = host.stdout.text.split("\n").map((line) => line.split(/ {2,}/));
  match(lines[0]!.join(), /^sollol 1\.2\.3 at http:\/\/127\.0\.0\.1:\d+: hybrid, /);
  deepEqual(lines.slice(2), [
    ["Ollama nodes", "1 up; 0 of 4 slots in use, 1 model, 0 loaded"],
    ["Rpc backends", "1 up; 24.0 GiB free"],
    ["Coordinators", "1 ready"],
    ["Run by others", "1 up"],
    ["Requests", "3 under way, 1 of them waiting"],
    [""],
    ["All is well."],
    [""],
  ]);
});

Deno.test("sollol status ends with 1 and says what is wrong", async () => {
  await using bed = new NodeBed();
  populate(bed);
  bed.nodes.views.push(nodeView("cpu", { health: "down", reason: "nothing listens there; start Ollama" }));
  bed.coordinators.add(
    coordinatorReport("broken", { id: "c2", state: "failed", because: "it died 5 times" }),
  );
  const { exitCode, host } = await status(["--gateway", bed.url]);
  equal(exitCode, 1);
  match(
    host.stdout.text,
    /2 things are wrong:\n- Node cpu is down: nothing listens there; start Ollama\n- Model broken is not served: it died 5 times\n$/,
  );
});

Deno.test("sollol status tells of an alias that nobody serves, as the gateway's list of models says", async () => {
  await using bed = new NodeBed();
  populate(bed);
  const place = {
    available: false,
    because: 'it stands for "y", which nobody has',
    nodes: [],
    alias_of: "y",
  };
  bed.models.push({ id: "x", sollol: place });
  const { exitCode, host } = await status(["--gateway", bed.url]);
  equal(exitCode, 1);
  match(host.stdout.text, /- Alias x is not served: it stands for "y", which nobody has; pull that model, /);
});

Deno.test("sollol status --json prints all of it, sound or not, with the same exit code", async () => {
  await using bed = new NodeBed();
  const { exitCode, host } = await status(["--gateway", bed.url, "--json"]);
  equal(exitCode, 1);
  const said = host.json() as Record<string, unknown> & { troubles: string[] };
  deepEqual(Object.keys(said), [
    "isSound",
    "troubles",
    "url",
    "version",
    "mode",
    "inFlightCount",
    "waitingCount",
    "nodes",
    "rpcBackends",
    "coordinators",
    "externalCoordinators",
    "models",
  ]);
  deepEqual([said["isSound"], said["mode"], said["waitingCount"]], [false, "hybrid", 1]);
  match(said.troubles.join(), /^There is nobody to answer/);
});

Deno.test("sollol status of a gateway that wants a key asks for it", async () => {
  await using bed = new NodeBed({ apiKeys: ["k"] });
  populate(bed);
  const without = await status(["--gateway", bed.url]);
  equal(without.exitCode, 1);
  match(without.host.stderr.text, /wants an API key that it knows; give it with --token KEY/);
  equal((await status(["--gateway", bed.url, "--token", "k"])).exitCode, 0);
});

Deno.test("sollol status says that no gateway runs, and that what answers is none", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("<html>"),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const strange = await status(["--gateway", url]);
  equal(strange.exitCode, 1);
  match(strange.host.stderr.text, /answered 200 to GET .* as no sollol gateway of this version does/);
  await server.shutdown();
  const { exitCode, host } = await status(["--gateway", url]);
  equal(exitCode, 1);
  match(host.stderr.text, /No gateway runs at .*; start it with "sollol serve"/);
});
