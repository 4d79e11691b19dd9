import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { GatewayBed } from "../gateway/gateway_bed.ts";

async function route(args: string[], host = new FakeCliHost()) {
  const exitCode = await runCli(createRoot(), ["route", ...args], host);
  return { exitCode, host };
}

Deno.test("sollol route says where a request would go, and why not elsewhere; nothing is sent", async () => {
  await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
  await using bed = await GatewayBed.open({ nodes: [nodeAt(node.url, { name: "gpu1" })] });
  const { exitCode, host } = await route(["llama3:8b", "--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  match(
    host.stdout.text,
    /^llama3:8b: node gpu1\n"llama3:8b" .*gpu1.*\n\nCandidates\n {2}gpu1 \(goes there\): /,
  );
  match(host.stdout.text, /rpc backends \(cannot\): /);
  equal(node.requests.filter(({ path }) => path.startsWith("/v1/")).length, 0);
});

Deno.test("sollol route of an alias says what it stands for", async () => {
  await using bed = await GatewayBed.open({ config: 'aliases: {gpt-4: "llama3:70b"}' });
  const { host } = await route(["gpt-4", "--gateway", bed.url]);
  match(host.stdout.text, /^gpt-4 stands for llama3:70b\nllama3:70b: refused\n/);
});

Deno.test("sollol route ends with 1 for what would be refused, and --json gives all of it", async () => {
  await using bed = await GatewayBed.open();
  const { exitCode, host } = await route(["nope", "--gateway", bed.url, "--json"]);
  equal(exitCode, 1);
  const { model, to, code } = host.json() as Record<string, unknown>;
  deepEqual({ model, to, code }, { model: "nope", to: "nowhere", code: "model_not_found" });
});

Deno.test("sollol route --last lists where requests went", async () => {
  await using bed = await GatewayBed.open();
  equal(
    (await route(["--last", "5", "--gateway", bed.url])).host.stdout.text,
    "No request was answered yet\n",
  );
  await (await bed.chat()).text();
  const { exitCode, host } = await route(["--last", "5", "--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  match(host.stdout.text, /^AT +MODEL +UPSTREAM +OUTCOME .*\n.* fake +coordinator of fake:latest +ok 200 /);
  match((await route(["--last", "5", "other", "--gateway", bed.url])).host.stdout.text, /^No request/);
});

for (
  const { args, message } of [
    { args: [], message: /MODEL is missing, or --last COUNT/ },
    { args: [" "], message: /MODEL is missing, or --last COUNT/ },
    { args: ["--last", "0"], message: /--last needs a whole number from 1 to 1000, got "0"/ },
    { args: ["m", "--last", "5", "--task", "chat"], message: /--last takes no --task/ },
    { args: ["m", "--task", "dance"], message: /--task/ },
  ]
) {
  Deno.test(`sollol route ${args.join(" ")} is wrong usage`, async () => {
    const { exitCode, host } = await route(args);
    equal(exitCode, 2);
    match(host.stderr.text, message);
  });
}

Deno.test("sollol route says which fallback answers, and ends with 0 then", async () => {
  await using node = await FakeOllamaNode.start({ models: [{ name: "small:1b" }] });
  await using bed = await GatewayBed.open({
    nodes: [nodeAt(node.url, { name: "gpu1" })],
    config: "fallbacks: { fake: [small:1b] }\nmodel_sharding_enabled: false\ntask_distribution_enabled: true",
  });
  const { exitCode, host } = await route(["fake", "--gateway", bed.url]);
  equal(exitCode, 0, host.stderr.text);
  match(
    host.stdout.text,
    /^fake: small:1b answers instead, node gpu1\n"fake" has no capacity \(.*\), so "small:1b" /,
  );
});
