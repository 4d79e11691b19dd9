import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ChildProcess } from "../../lib/process/child.ts";
import { formatEndpoint } from "../../lib/rpc/endpoint.ts";
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";
import { chat, ChatStream } from "./chat.ts";
import { diagnose, freePort, startBackend } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed } from "./gateway_bed.ts";
import { Program, type ProgramResult } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

const PROBE_COUNT = 50;

test("probe tells good, dead, foreign, too old and otherwise versioned endpoints apart", async (programs) => {
  await using sandbox = await Sandbox.create();
  await using good = await startBackend(programs.rpcServer, "127.0.0.2");
  await using web = new FakeRpcBackend({ behaviour: "http" });
  await using old = new FakeRpcBackend({ version: { major: 3, minor: 5, patch: 0 } });
  await using near = new FakeRpcBackend({ version: { major: 7, minor: 0, patch: 0 } });
  const [webAt, oldAt, nearAt] = [web, old, near].map(({ endpoint }) => formatEndpoint(endpoint));
  const dead = `127.0.0.9:${freePort("127.0.0.9")}`;
  const endpoints = [good.endpoint, dead, webAt!, oldAt!, nearAt!];
  const options = { env: { SOLLOL_LLAMA_CPP_LLAMA_SERVER: programs.llamaServer } };
  const { code, stdout, stderr } = await Program.run(sandbox, ["probe", ...endpoints], options);
  deepEqual({ code, stderr }, { code: 1, stderr: "" });
  match(stdout, new RegExp(`^${good.endpoint} +up +\\d+\\.\\d+\\.\\d+ +1 +\\d.* GiB`, "m"));
  match(stdout, new RegExp(`^${dead} +down`, "m"));
  match(stdout, new RegExp(`^Nothing listens at ${dead}; start ggml-rpc-server there$`, "m"));
  match(stdout, new RegExp(`^${webAt} is an? HTTP server, not a ggml-rpc-server; check the port$`, "m"));
  match(stdout, new RegExp(`^${oldAt} speaks rpc protocol 3.5.0, .*; update llama.cpp there$`, "m"));
  match(
    stdout,
    new RegExp(
      `^${nearAt} speaks rpc protocol 7.0.0, ours is \\d+\\.\\d+\\.\\d+: llama.cpp refuses that; .*$`,
      "m",
    ),
  );
  const json = await Program.run(sandbox, ["probe", ...endpoints, "--json"], options);
  const verdicts = JSON.parse(json.stdout).map(({ verdict }: { verdict: string }) => verdict);
  deepEqual(verdicts, ["up", "down", "not-rpc", "mismatch", "mismatch"]);
  equal((await Program.run(sandbox, ["probe", good.endpoint], options)).code, 0);
  ok(good.process.isAlive);
});

test("a held rpc backend survives fifty probes, and its coordinator never notices", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using backend = await startFragileBackend(programs.rpcServer);
  await using gateway = await bed.serve({ rpcBackends: [backend.endpoint] });
  await chat(gateway.url);
  let probeCount = 0;
  const chatting = chatUntil(gateway.url, () => probeCount >= PROBE_COUNT);
  chatting.catch(() => {}); // told below; an earlier failure must not be hidden by it
  const prober = async () => {
    while (probeCount++ < PROBE_COUNT) {
      const { code, stdout } = await probeBriefly(bed.sandbox, backend.endpoint);
      equal(code, 1);
      match(stdout, /serves another client, or hangs|other clients fill its queue/);
    }
  };
  await Promise.all([prober(), prober(), prober()]);
  ok(await chatting > 0);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  deepEqual(gateway.program.logged("coordinator died"), []);
  const isFree = async () => (await diagnose([backend.endpoint]))[0]!.verdict === "up";
  await eventually("the backend is free", isFree);
  ok(backend.process.isAlive, "the backend died of what the probes left in its queue");
  await bed.assertNothingLeft();
});

test("the first probe of a held rpc backend says that it is held", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  await chat(gateway.url);
  const [endpoint] = bed.endpoints;
  const { code, stdout } = await probeBriefly(bed.sandbox, endpoint!);
  equal(code, 1);
  match(stdout, new RegExp(`^${endpoint} +held`, "m"));
  match(stdout, /stop the coordinator that uses it, or start a second ggml-rpc-server there on another port/);
  await gateway.stop();
  await bed.assertNothingLeft();
});

function probeBriefly(sandbox: Sandbox, endpoint: string): Promise<ProgramResult> {
  return Program.run(sandbox, ["probe", endpoint, "--timeout", "100ms"]);
}

/** Started as a shell or a container does it: SIGPIPE kills it. */
async function startFragileBackend(rpcServer: string) {
  const endpoint = `127.0.0.2:${freePort("127.0.0.2")}`;
  const [host, port] = endpoint.split(":") as [string, string];
  const process = await ChildProcess.spawn({ program: rpcServer, args: ["-H", host, "-p", port, "-t", "1"] });
  await eventually("the backend answers", async () => (await diagnose([endpoint]))[0]!.verdict === "up");
  return { endpoint, process, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

/** Streams one answer after the other, and fails unless each is whole. */
async function chatUntil(url: string, isOver: () => boolean): Promise<number> {
  let answerCount = 0;
  for (; !isOver(); answerCount++) {
    const stream = await ChatStream.open(url, { maxTokens: 200 });
    const { isDone, tokenCount } = await stream.rest();
    deepEqual({ isDone, tokenCount }, { isDone: true, tokenCount: 200 });
  }
  return answerCount;
}
