import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { chat, ChatStream, type StreamEnd } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** Some 4 s: what happens meanwhile takes one. */
const TOKEN_COUNT = 800;
const WHOLE: StreamEnd = {
  tokenCount: TOKEN_COUNT,
  finishReason: "length",
  isDone: true,
  error: undefined,
};
const KEPT = "config not taken, the one before stays in force";

/** A stream that is read while other things happen. */
class RunningStream {
  isOver = false;

  private constructor(readonly end: Promise<StreamEnd>) {
    void end.finally(() => this.isOver = true).catch(() => {}); // told by `end` itself
  }

  static async open(url: string): Promise<RunningStream> {
    return new RunningStream((await ChatStream.open(url, { maxTokens: TOKEN_COUNT })).rest());
  }
}

/** Changes the config file of a gateway, as an editor does: by another file that takes its name. */
async function edit({ sandbox }: GatewayBed, change: (text: string) => string): Promise<void> {
  const path = join(sandbox.directory, "config.yaml");
  await Deno.writeTextFile(`${path}.new`, change(await Deno.readTextFile(path)));
  await Deno.rename(`${path}.new`, path);
}

/** Tells the gateway alone, as a service manager does. */
function hangUp({ program }: ServedGateway): void {
  Deno.kill(program.pid, "SIGHUP");
}

test("a stream runs on while a config is broken and healed, with another backend, another TTL and a key", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 3 });
  await using gateway = await bed.serve({ rpcBackends: bed.endpoints.slice(0, 2) });
  const stream = await RunningStream.open(gateway.url);
  let sound = "";
  await edit(bed, (text) => {
    sound = text;
    return `${text}pool: { idle_ttl: soon }\n`;
  });
  const { problems } = await gateway.program.untilLogged(KEPT);
  match(String(problems), /idle_ttl.*config\.yaml, line \d+/);
  const [host, port] = bed.endpoints[2]!.split(":");
  await edit(
    bed,
    () =>
      sound.replace("rpc_backends:\n", `rpc_backends:\n  - { host: ${host}, port: ${port} }\n`) +
      "pool: { idle_ttl: 1h }\napi_keys: [sesame]\n",
  );
  const { applied, needRestart } = await gateway.program.untilLogged("config applied");
  deepEqual({ applied, needRestart }, {
    applied: ["rpc_backends", "pool.idle_ttl", "api_keys"],
    needRestart: [],
  });
  equal(stream.isOver, false, "the stream ended before anything was changed");
  const health = () => fetch(`${gateway.url}/health`, { headers: { "x-api-key": "sesame" } });
  await eventually("the new backend is up", async () => {
    const { rpcBackends } = await (await health()).json();
    return rpcBackends.some((view: { endpoint: string; health: string }) => {
      return view.endpoint === bed.endpoints[2] && view.health === "up";
    });
  });
  equal((await chat(gateway.url)).status, 401, "who shows no key is not let in any more");
  deepEqual(await stream.end, WHOLE);
  await gateway.stop();
  equal(gateway.loads.length, 1, "the coordinator was not touched by the change");
  await bed.assertNothingLeft();
});

test("a stream runs on while the context is changed; the next request is answered with the new one", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  const stream = await RunningStream.open(gateway.url);
  const firstPid = await gateway.coordinatorPid();
  await edit(bed, (text) => text.replace("slots: 4", "slots: 2, context_size: 2048"));
  hangUp(gateway);
  const { applied } = await gateway.program.untilLogged("config applied");
  deepEqual(applied, ["coordinator.context_size", "coordinator.slots"]);
  equal(stream.isOver, false, "the stream ended before anything was changed");
  deepEqual(await stream.end, WHOLE);
  equal((await chat(gateway.url)).status, 200);
  const servers = bed.sandbox.processes().filter(({ command }) => /--rpc\b/.test(command));
  deepEqual(
    servers.map(({ command }) => / -c (\d+) /.exec(command)?.[1]),
    ["4096"],
    "2 slots of 2048 tokens",
  );
  equal(servers[0]!.pid === firstPid, false);
  await gateway.stop();
  equal(gateway.loads.length, 2);
  await bed.assertNothingLeft();
});

test("SIGHUP with nothing changed leaves the coordinator as it is, and the gateway running", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await using gateway = await bed.serve();
  await chat(gateway.url);
  for (const times of [1, 2]) {
    hangUp(gateway);
    await gateway.program.untilLogged("config unchanged", times);
  }
  equal((await chat(gateway.url)).status, 200);
  await gateway.stop();
  equal(gateway.loads.length, 1);
  await bed.assertNothingLeft();
});
