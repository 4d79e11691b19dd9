import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { ExternalView } from "../../lib/coordinator/external.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import { freePort } from "../fixtures/free_port.ts";
import { chat, ChatStream } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** A real llama-server that the gateway did not start; an API key is asked for where one is given. */
async function startServer(
  { llamaServer }: RealPrograms,
  modelPath: string,
  { port, slotCount = 2, contextSize = 512, apiKey }: {
    port: number;
    slotCount?: number;
    contextSize?: number;
    apiKey?: string;
  },
): Promise<ChildProcess> {
  const usual = ["-m", modelPath, "-a", "tiny", "--host", "127.0.0.1", "--port", String(port), "-t", "1"];
  const sizes = ["-c", String(contextSize * slotCount), "-np", String(slotCount), "--cache-ram", "0"];
  const process = await ChildProcess.spawn({
    program: llamaServer,
    args: [...usual, ...sizes, ...(apiKey === undefined ? [] : ["--api-key", apiKey])],
  });
  await eventually(
    "llama-server is ready",
    () =>
      fetch(`http://127.0.0.1:${port}/health`).then(async (response) => {
        await response.body?.cancel();
        return response.ok;
      }, () => false),
    30_000,
  );
  return process;
}

/** A gateway that has these coordinators of others, and nothing else. */
async function serve(sandbox: Sandbox, coordinators: readonly string[], more = ""): Promise<Program> {
  const config = join(sandbox.directory, "config.yaml");
  const list = coordinators.map((one) => `  - ${one}\n`).join("");
  await Deno.writeTextFile(config, `coordinators:\n${list}${more}`);
  return Program.start(sandbox, ["serve", "--config", config, "--listen", "127.0.0.1:0"]);
}

async function urlOf(program: Program): Promise<string> {
  return (await program.untilLogged("listening"))["url"] as string;
}

async function viewsOf(url: string): Promise<ExternalView[]> {
  return (await (await fetch(`${url}/health`)).json()).externalCoordinators;
}

async function healthOf(url: string): Promise<string[]> {
  return (await viewsOf(url)).map(({ health }) => health);
}

test("two real coordinators of others share the work, one takes over for the other, and both outlive us", async (programs) => {
  await using sandbox = await Sandbox.create();
  const modelPath = join(sandbox.directory, "tiny.gguf");
  await Deno.writeFile(modelPath, buildTinyModel());
  const [portA, portB] = [freePort(), freePort()];
  const [urlA, urlB] = [`http://127.0.0.1:${portA}`, `http://127.0.0.1:${portB}`];
  await using a = await startServer(programs, modelPath, { port: portA, apiKey: "top-secret" });
  await using b = await startServer(programs, modelPath, { port: portB });
  await using program = await serve(sandbox, [`{ url: ${urlA}, api_key: top-secret }`, urlB]);
  const url = await urlOf(program);
  const views = await viewsOf(url);
  deepEqual(views.map(({ url, health, slotCount }) => [url, health, slotCount]), [[urlA, "up", 2], [
    urlB,
    "up",
    2,
  ]]);

  const counts = new Map<string, number>();
  for (let index = 0; index < 10; index++) {
    const answer = await chat(url);
    equal(answer.status, 200, answer.error?.message);
    const upstream = answer.headers.get("x-sollol-upstream")!;
    counts.set(upstream, (counts.get(upstream) ?? 0) + 1);
  }
  deepEqual(counts, new Map([[urlA, 5], [urlB, 5]]));

  const stream = await ChatStream.open(url, { maxTokens: 200 });
  const busy = stream.response.headers.get("x-sollol-upstream");
  const beside = await chat(url);
  ok(beside.headers.get("x-sollol-upstream") !== busy, "the busy one was asked");
  equal((await stream.rest()).isDone, true);

  const unknown = await chat(url, { model: "other" });
  ok(unknown.status >= 400, "another model answered");
  equal(unknown.tokenCount, undefined);

  b.signal("SIGKILL");
  await b.exited;
  for (let index = 0; index < 6; index++) {
    const answer = await chat(url);
    deepEqual([answer.status, answer.headers.get("x-sollol-upstream")], [200, urlA], answer.error?.message);
  }
  await eventually("the dead one is down", async () => (await healthOf(url))[1] === "down");

  await using again = await startServer(programs, modelPath, { port: portB });
  await eventually("it is used again", async () => (await healthOf(url))[1] === "up", 30_000);

  await program.stop();
  deepEqual([a.isAlive, again.isAlive], [true, true]);
  ok(!program.stdout.text.includes("top-secret"), "the log tells the key");
});

test("a wrong key and a coordinator that is not there are told in sentences, also to the client", async (programs) => {
  await using sandbox = await Sandbox.create();
  const modelPath = join(sandbox.directory, "tiny.gguf");
  await Deno.writeFile(modelPath, buildTinyModel());
  const [port, nobody] = [freePort(), freePort()];
  await using _server = await startServer(programs, modelPath, { port, apiKey: "right-secret" });
  const wrong = `{ url: "http://127.0.0.1:${port}", api_key: wrong-secret, model: tiny }`;
  await using program = await serve(sandbox, [wrong, `http://127.0.0.1:${nobody}`]);
  const url = await urlOf(program);
  const [first, second] = await viewsOf(url);
  deepEqual([first!.health, second!.health], ["down", "down"]);
  match(first!.reason, /refuses the configured key; correct its api_key/);
  match(second!.reason, /refused.*; check that it runs and listens there/);
  const { status, error } = await chat(url);
  equal(status, 502, error?.message);
  match(error!.message, /refuses the configured key/);
  await program.stop();
  ok(!program.stdout.text.includes("wrong-secret"), "the log tells the key");
});

test("requests at one that freezes end with a sentence, and it is used again soon after it is back", async (programs) => {
  await using sandbox = await Sandbox.create();
  const modelPath = join(sandbox.directory, "tiny.gguf");
  await Deno.writeFile(modelPath, buildTinyModel());
  const port = freePort();
  await using server = await startServer(programs, modelPath, { port, contextSize: 16_384 });
  const timeouts = "timeouts: { stall: 2s, connect: 1s }\n";
  await using program = await serve(sandbox, [`http://127.0.0.1:${port}`], timeouts);
  const url = await urlOf(program);
  const stream = await ChatStream.open(url, { maxTokens: 16_000 });
  await stream.read(2);
  server.signal("SIGSTOP");
  const [asked, cut] = await Promise.all([chat(url), stream.rest()]);
  equal(asked.status, 504, asked.error?.message);
  match(
    asked.error!.message,
    /^No answer came from http.* was heard of it for .*: it did not answer GET \/v1\/models within 2\.0 s; check/,
  );
  deepEqual([cut.isDone, cut.error?.code], [false, "upstream_timeout"]);
  ok(cut.error!.tokens_delivered! >= 2, `${cut.error!.tokens_delivered} tokens`);
  const [view] = await viewsOf(url);
  deepEqual([view!.health, view!.inFlightCount], ["down", 0]);
  equal((await chat(url)).status, 502);

  server.signal("SIGCONT");
  await eventually("it is used again", async () => (await healthOf(url))[0] === "up");
  equal((await chat(url)).status, 200);
  await program.stop();
});

test("what operators ask of a model that others serve tells who they are", async (programs) => {
  await using sandbox = await Sandbox.create();
  const modelPath = join(sandbox.directory, "tiny.gguf");
  await Deno.writeFile(modelPath, buildTinyModel());
  const port = freePort();
  await using _server = await startServer(programs, modelPath, { port });
  await using program = await serve(sandbox, [`http://127.0.0.1:${port}`]);
  const gateway = ["--gateway", await urlOf(program)];
  const { code, stdout } = await Program.run(sandbox, ["ps", ...gateway]);
  equal(code, 0);
  match(stdout, /http:\/\/127\.0\.0\.1:\d+ +up +tiny\S* +0\/2/);
  for (const command of ["load", "restart", "logs"]) {
    const { code, stderr } = await Program.run(sandbox, [command, "tiny", ...gateway]);
    equal(code, 1);
    match(stderr, /"tiny" is served by http:\/\/127\.0\.0\.1:\d+, which others run: \S/);
  }
  const unloaded = await Program.run(sandbox, ["unload", "tiny", ...gateway]);
  match(unloaded.stdout, /which others run: there is nothing to unload here/);
  await program.stop();
});
