import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { heldModel, nodeView } from "../../fixtures/node_views.ts";
import { NodeBed } from "../gateway/node_bed.ts";

async function nodes(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["nodes", ...args], host);
  return { exitCode, host };
}

Deno.test("sollol nodes shows what the gateway knows", async () => {
  await using bed = new NodeBed();
  bed.nodes.views.push(
    nodeView("gpu", { models: [heldModel("a")] }),
    nodeView("cpu", { health: "down", reason: "it is off" }),
  );
  const { exitCode, host } = await nodes(["--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  match(
    host.stdout.text,
    /^NODE .*\ngpu +up +0\.33\.0 +0\/4 +1 +0 .*\ncpu +down .*\n\ncpu is down: it is off\n$/,
  );
});

Deno.test("sollol nodes and sollol status show a hundred nodes with a thousand models each", async () => {
  await using bed = new NodeBed();
  const models = Array.from(
    { length: 1_000 },
    (_, at) => heldModel(`library/a-model-with-a-name-${at}:70b-q4_K_M`),
  );
  bed.nodes.views.push(...Array.from({ length: 100 }, (_, at) => nodeView(`gpu${at}`, { models })));
  const { exitCode, host } = await nodes(["--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  match(host.stdout.text, /^NODE .*\ngpu0 +up +0\.33\.0 +0\/4 +1000 +0 /);
  equal(host.stdout.text.trimEnd().split("\n").length, 101);
  const asked = new FakeCliHost();
  await runCli(createRoot(), ["status", "--gateway", bed.url], asked);
  match(asked.stdout.text, /Ollama nodes +100 up; /);
  equal((await nodes(["--gateway", bed.url, "--json"])).exitCode, 0, "also with all that they hold");
});

Deno.test("sollol nodes --json prints all of it", async () => {
  await using bed = new NodeBed();
  const resident = [{ key: "a", name: "a", sizeBytes: 2, vramBytes: 1, expiresAtMs: Infinity }];
  bed.nodes.views.push(
    nodeView("gpu", { resident, models: [{ ...heldModel("a"), tokensPerSecond: undefined }] }),
  );
  const { host } = await nodes(["--gateway", bed.url, "--json"]);
  const nulls = (_key: string, value: unknown) => value === undefined ? null : value;
  deepEqual(host.json(), JSON.parse(JSON.stringify(bed.nodes.views, nulls)));
});

Deno.test("sollol nodes of a gateway that knows none says how to add some", async () => {
  await using bed = new NodeBed();
  const { exitCode, host } = await nodes(["--gateway", bed.url]);
  equal(exitCode, 0);
  match(host.stdout.text, /knows no Ollama nodes; .* "sollol nodes --add URL"/);
});

Deno.test("sollol nodes --add tells the gateway of nodes, and ends with 1 if one is not up", async () => {
  await using bed = new NodeBed();
  const first = await nodes(["--add", "10.0.0.1", "--add", "GPU.lan:8080", "--gateway", bed.url]);
  equal(first.exitCode, 0, first.host.stderr.text);
  deepEqual(bed.nodes.said.map(({ url }) => url), ["http://10.0.0.1:11434", "http://gpu.lan:8080"]);
  match(first.host.stdout.text, /^NODE .*\n10\.0\.0\.1 +up.*\ngpu\.lan +up/);
  bed.nodes.nextView = { health: "down", reason: "nothing listens there" };
  const second = await nodes(["--add", "10.0.0.2", "--gateway", bed.url, "--json"]);
  equal(second.exitCode, 1);
  deepEqual((second.host.json() as { name: string }[]).map(({ name }) => name), ["10.0.0.2"]);
});

Deno.test("sollol nodes --add tells the gateway's reason if that refuses", async () => {
  await using bed = new NodeBed();
  const { exitCode, host } = await nodes(["--add", "evil.lan", "--gateway", bed.url]);
  deepEqual([exitCode, host.stdout.text], [1, ""]);
  match(host.stderr.text, /Cannot use http:\/\/evil\.lan:11434 as an Ollama node: its name leads to/);
});

Deno.test("sollol nodes --add shows what was added before it was refused", async () => {
  await using bed = new NodeBed();
  const { exitCode, host } = await nodes(["--add", "10.0.0.1", "--add", "evil.lan", "--gateway", bed.url]);
  equal(exitCode, 1);
  match(host.stdout.text, /^NODE .*\n10\.0\.0\.1 +up/);
  match(host.stderr.text, /Cannot use http:\/\/evil\.lan:11434/);
});

Deno.test("sollol nodes --remove forgets nodes by name or URL, and tells where to take back what it cannot", async () => {
  await using bed = new NodeBed();
  bed.nodes.views.push(...["a", "b"].map((name) => nodeView(name, { sources: ["admin"] })), nodeView("c"));
  const { exitCode, host } = await nodes([
    "--remove",
    "a",
    "--remove",
    "http://b:11434",
    "--gateway",
    bed.url,
  ]);
  deepEqual([exitCode, host.stdout.text], [0, "a is forgotten\nb is forgotten\n"], host.stderr.text);
  const refused = await nodes(["--remove", "c", "--gateway", bed.url]);
  equal(refused.exitCode, 1);
  match(refused.host.stderr.text, /c stands in the config file; remove it there/);
  const gone = await nodes(["--remove", "a/../../x?y=%00", "--gateway", bed.url]);
  equal(gone.exitCode, 1);
  match(gone.host.stderr.text, /There is no node a\/\.\.\/\.\.\/x\?y=%00/);
});

for (
  const { name, args, want } of [
    { name: "a node that is none", args: ["--add", "ftp://x"], want: /--add: .*is not an upstream URL/ },
    {
      name: "a password, which it does not repeat",
      args: ["--add", "http://a:hunter2@b"],
      want: /--add: .*http:\/\/\*\*\*@b/,
    },
    {
      name: "a metadata service",
      args: ["--add", "169.254.169.254"],
      want: /--add: .*hands out its secrets/,
    },
    { name: "both at once", args: ["--add", "a", "--remove", "b"], want: /do not go together/ },
    { name: "arguments", args: ["gpu"], want: /unexpected argument/ },
  ]
) {
  Deno.test(`sollol nodes refuses ${name} as wrong usage`, async () => {
    const { exitCode, host } = await nodes(args);
    equal(exitCode, 2);
    match(host.stderr.text, want);
    equal(host.stderr.text.includes("hunter2"), false);
  });
}
