import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";
import { gatewayUnits, type GatewayUnitsOptions } from "../../../systemd/gateway_units.ts";
import { rpcServerUnit } from "../../../systemd/rpc_server_unit.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { OllamaStoreFixture } from "../../fixtures/ollama_store.ts";
import { chat, ChatStream } from "../chat.ts";
import { eventually } from "../eventually.ts";
import type { BootedSystemd } from "./booted_systemd.ts";
import { addSollol, RPC_SERVER, SOLLOL } from "./sollol_machine.ts";
import { statusOf } from "./status_of.ts";
import { withMachine } from "./with_machine.ts";

const test = await withMachine();

const UNIT = "sollol.service";
const PORT = 11_435;
const RPC_PORT = 50_052;
const CONFIG = "/etc/sollol/config.yaml";
const CACHE = "/var/cache/private/sollol";
const STORE = "/home/keeper/.ollama/models";
const DRAIN_MS = 20_000;

/** An answer of 12 tokens takes 2.4 s: it is under way when the gateway is told to stop. */
const TOKENS_PER_SECOND = 5;
const KEYS = {
  chat: "chat-key-0123456789abcdef",
  keeper: "keeper-key-0123456789abcdef",
  late: "late-key-0123456789abcdef",
};

test("the unit of the gateway", async (machine, step) => {
  await using node = await FakeOllamaNode.start({
    host: machine.outerAddress,
    models: [{ name: "slow" }],
    tokensPerSecond: TOKENS_PER_SECOND,
  });
  const url = `http://${machine.address}:${PORT}`;
  await addSollol(machine);
  await keepModels(machine, ["tiny"]);
  await machine.write("/etc/sollol/keeper.key", `${KEYS.keeper}\n`, 0o600);
  await machine.write(CONFIG, configOf(node, ["chat"]));
  await machine.addUnits([
    rpcServerUnit({ ...COMMON, program: RPC_SERVER, host: "127.0.0.1", port: RPC_PORT, threadCount: 1 }),
    ...gatewayUnits(OPTIONS),
  ]);

  await step("is not active before it serves", async () => {
    await machine.succeed(["systemctl", "start", "--no-block", UNIT]);
    await machine.succeed(["sh", "-c", UNTIL_SERVED, "sh", UNIT, `${url}/health`]);
    await machine.succeed(["systemctl", "restart", UNIT]);
    await machine.succeed(["curl", "--silent", "--fail", `${url}/health`]);
  });

  await step("has extracted itself into its cache, which its next start finds", async () => {
    const names = await Array.fromAsync(Deno.readDir(machine.path(CACHE)), ({ name }) => name);
    equal(names.length, 1);
    ok((await Deno.stat(machine.path(`${CACHE}/${names[0]}/start.js`))).isFile);
  });

  await step("runs as a user of its own that reads a store in a closed home", async () => {
    const pid = await machine.property(UNIT, "MainPID");
    notEqual((await machine.succeed(["stat", "--format=%u", `/proc/${pid}`])).trim(), "0");
    deepEqual((await modelsOf(url)).filter((name) => /tiny/.test(name)).length, 1);
  });

  await step("shards a model of that store over an rpc server", async () => {
    await machine.succeed(["systemctl", "start", "sollol-rpc.service"]);
    await eventually("it answers", async () => {
      const { status } = await chat(url, { headers: bearer(KEYS.chat) });
      return status === 200;
    }, 30_000);
  });

  await step("takes its key from a credential, and shows it nowhere", async () => {
    equal(await statusOf(`${url}/api/admin/rpc-backends`, bearer(KEYS.keeper)), 200);
    equal(await statusOf(`${url}/api/admin/rpc-backends`, bearer(KEYS.chat)), 403);
    const places = [["systemctl", "show", UNIT], ["systemctl", "cat", UNIT], ["ps", "axeww"], [
      "journalctl",
      "--no-pager",
    ]];
    for (const place of places) {
      const text = await machine.succeed(place);
      for (const key of Object.values(KEYS)) ok(!text.includes(key), `${place.join(" ")} shows a key`);
    }
  });

  await step("reads its keys again at a reload, without a restart", async () => {
    const pid = await machine.property(UNIT, "MainPID");
    equal((await chat(url, { model: "slow", headers: bearer(KEYS.late) })).status, 401);
    await machine.write(CONFIG, configOf(node, ["chat", "late"]));
    await machine.succeed(["systemctl", "reload", UNIT]);
    await eventually("the new key counts", async () => {
      return (await chat(url, { model: "slow", headers: bearer(KEYS.late) })).status === 200;
    });
    equal(await machine.property(UNIT, "MainPID"), pid);
  });

  await step("is started again when it is frozen", async () => {
    await machine.write(`/run/systemd/system/${UNIT}.d/impatient.conf`, IMPATIENT);
    await machine.succeed(["systemctl", "daemon-reload"]);
    await machine.succeed(["systemctl", "restart", UNIT]);
    const pid = await machine.property(UNIT, "MainPID");
    await machine.succeed(["kill", "-STOP", pid]);
    await eventually("another one serves", async () => {
      const now = await machine.property(UNIT, "MainPID");
      return now !== "0" && now !== pid && await machine.property(UNIT, "ActiveState") === "active";
    }, 30_000);
    match(await machine.journal(UNIT), /Watchdog timeout/);
    await machine.succeed(["curl", "--silent", "--fail", `${url}/health`]);
    await machine.succeed(["rm", "--recursive", `/run/systemd/system/${UNIT}.d`]);
    await machine.succeed(["systemctl", "daemon-reload"]);
    await machine.succeed(["systemctl", "restart", UNIT]);
  });

  await step("finishes a stream before it ends, when it is stopped", async () => {
    const stream = await ChatStream.open(url, { model: "slow", maxTokens: 12, headers: bearer(KEYS.chat) });
    await stream.read(3);
    let hasStopped = false;
    const stopping = machine.run(["systemctl", "stop", UNIT]).then(() => hasStopped = true);
    await eventually("it is told to stop", async () => {
      return await machine.property(UNIT, "ActiveState") === "deactivating";
    });
    equal(hasStopped, false);
    const rest = { isDone: true, finishReason: "length", tokenCount: 12 - 3 - 1, error: undefined }; // one came with the head
    deepEqual(await stream.rest(), rest);
    await stopping;
    equal(await machine.property(UNIT, "Result"), "success");
  });

  await step("is started by its first request, where systemd listens for it", async () => {
    await machine.addUnits(gatewayUnits({ ...OPTIONS, socket: `0.0.0.0:${PORT}` }));
    await machine.succeed(["systemctl", "start", "sollol.socket"]);
    equal(await machine.property(UNIT, "ActiveState"), "inactive");
    equal(await statusOf(`${url}/health`), 200);
    await eventually("it is active", async () => await machine.property(UNIT, "ActiveState") === "active");
    await machine.succeed(["systemctl", "stop", "sollol.socket", UNIT]);
  });
});

/** Fails if the unit was active, and then did not serve. */
const UNTIL_SERVED = `
for try in $(seq 200); do
	state=$(systemctl is-active "$1") || :
	if curl --silent --fail --output /dev/null "$2"; then
		[ "$state" = active ] && exit 0
	elif [ "$state" = active ]; then
		echo "it is active, and does not serve" >&2
		exit 1
	fi
	sleep 0.02
done
exit 1
`;

/** So that nobody has to wait. */
const IMPATIENT = "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n";

const COMMON = { manager: "system", version: "0.0.0" } as const;

const OPTIONS: GatewayUnitsOptions = {
  ...COMMON,
  command: [SOLLOL],
  configPath: CONFIG,
  drainMs: DRAIN_MS,
  credentials: [{ name: "keeper", path: "/etc/sollol/keeper.key" }],
  readablePaths: [{ path: STORE }],
};

function configOf(node: FakeOllamaNode, names: readonly (keyof typeof KEYS)[]): string {
  const hashed = names.map((name) => ({ name, hash: `sha256:${sha256Of(KEYS[name])}` }));
  return JSON.stringify({
    listen: `0.0.0.0:${PORT}`,
    auth: { keys: [...hashed, { name: "keeper", credential: "keeper", scopes: ["admin"] }] },
    ollama_nodes: [node.url],
    nodes: { local: false },
    models: [STORE],
    rpc_backends: [`127.0.0.1:${RPC_PORT}`],
    timeouts: { drain: `${DRAIN_MS / 1_000}s` },
  });
}

/** In a home that is closed to other users. */
async function keepModels(machine: BootedSystemd, names: readonly string[]): Promise<void> {
  await using store = await OllamaStoreFixture.create();
  for (const [index, name] of names.entries()) {
    await store.addModel(name, buildTinyModel({ name, seed: index + 1 }));
  }
  await machine.copy(store.directory, STORE);
  await machine.succeed(["chmod", "700", "/home/keeper"]);
}

async function modelsOf(url: string): Promise<string[]> {
  const { data } = await (await fetch(`${url}/v1/models`, { headers: bearer(KEYS.chat) })).json();
  return data.map(({ id }: { id: string }) => id);
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}
