import { equal, ok } from "node:assert/strict";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";
import { probe } from "../../../lib/rpc/probe.ts";
import { eventually } from "../eventually.ts";
import type { BootedSystemd } from "./booted_systemd.ts";
import { addSollol, SOLLOL } from "./sollol_machine.ts";
import { statusOf } from "./status_of.ts";
import { withMachine } from "./with_machine.ts";

const test = await withMachine();

const PORT = 11_435;
const RPC_PORT = 50_060;
const USER_PORT = 11_500;
const USER = "keeper";
const ADMIN = "admin-key-0123456789abcdef";
const TOKEN = "worker-token-0123456789abcdef";
/** Not looked at: what systemd writes by itself, where programs extract themselves, and what a user's gateway has stored. */
const NOT_INSTALLED = [
  "/var/log",
  "/var/tmp",
  "/var/lib/systemd",
  "/root/.cache",
  `/home/${USER}/.cache`,
  `/home/${USER}/.local/state/sollol`,
];
const SERVICES = ["sollol.service", "sollol-rpc.service", "sollol-worker.service"];

test("installed units", async (machine, step) => {
  const { address, outerAddress } = machine;
  const url = `http://${address}:${PORT}`;
  const sollol = (...args: string[]) => machine.succeed([SOLLOL, "systemd", ...args]);
  const asUser = (...args: string[]) => machine.succeed(["su", "--login", USER, "--command", inShell(args)]);
  await addSollol(machine);
  await machine.succeed(["useradd", "--create-home", "--shell", "/bin/sh", USER]);
  await machine.write("/etc/sollol/config.yaml", CONFIG);
  await machine.succeed(["loginctl", "enable-linger", USER]);
  await eventually(
    "the user's systemd runs",
    async () => (await readDirectory(machine, "/run/user")).length > 0,
  );
  const before = await machine.writtenFiles(NOT_INSTALLED);

  await step("of an rpc server and a gateway: both serve when the commands return", async () => {
    await Promise.all([
      sollol("rpc-server", "install", `--host=${address}`, `--port=${RPC_PORT}`, `--allow=${outerAddress}`),
      sollol("gateway", "install"),
    ]);
    equal((await probe({ host: address, port: RPC_PORT })).verdict, "up");
    equal(await statusOf(`${url}/health`), 200);
  });

  await step("of a worker, in one line: its rpc server is in the gateway's list", async () => {
    await sollol("worker", "install", "--gateway", url, "--token", TOKEN);
    await untilListed(url, "up");
  });

  await step("of a user: his systemd runs a gateway for him", async () => {
    await asUser(
      SOLLOL,
      "systemd",
      "gateway",
      "install",
      "--user",
      `--listen=127.0.0.1:${USER_PORT}`,
      "--no-setup",
    );
    await machine.succeed(["curl", "--silent", "--fail", `http://127.0.0.1:${USER_PORT}/health`]);
  });

  await step("tell nobody the token", async () => {
    const journal = ["journalctl", "--no-pager"];
    for (
      const place of [
        ["systemctl", "show", ...SERVICES],
        ["systemctl", "cat", ...SERVICES],
        ["ps", "axeww"],
        journal,
      ]
    ) {
      ok(!(await machine.succeed(place)).includes(TOKEN), `${place.join(" ")} shows the token`);
    }
    const readable = ["grep", "--recursive", "--files-with-matches", TOKEN, "/etc", "/run", "/var"];
    const { stdout } = await machine.run([
      "setpriv",
      `--reuid=${USER}`,
      `--regid=${USER}`,
      "--init-groups",
      ...readable,
    ]);
    equal(stdout, "");
  });

  await step("stay as they are when they are installed again", async () => {
    const pid = await machine.property("sollol.service", "MainPID");
    await sollol("gateway", "install");
    equal(await machine.property("sollol.service", "MainPID"), pid);
    await sollol("status");
  });

  await step("are all up again after a reboot", async () => {
    await machine.reboot();
    await eventually(
      "the gateway serves",
      async () => await statusOf(`${url}/health`) === 200,
      30_000,
    );
    await untilListed(url, "up");
    equal((await probe({ host: address, port: RPC_PORT })).verdict, "up");
    await eventually("the user's gateway serves", async () => {
      return (await machine.run(["curl", "--silent", "--fail", `http://127.0.0.1:${USER_PORT}/health`]))
        .code === 0;
    });
  });

  await step("leave nothing when they are uninstalled", async () => {
    await sollol("worker", "uninstall", "--purge");
    await Promise.all([
      sollol("gateway", "uninstall", "--purge"),
      sollol("rpc-server", "uninstall", "--purge"),
      asUser(SOLLOL, "systemd", "gateway", "uninstall", "--user", "--purge"),
    ]);
    const changes = changesBetween(before, await machine.writtenFiles(NOT_INSTALLED));
    equal(changes.join("\n"), "");
    equal((await machine.run(["pgrep", "--full", "ggml-rpc-server|sollol-.*start.js"])).stdout, "");
    equal(
      await machine.succeed(["systemctl", "list-units", "--all", "--plain", "--no-legend", "sollol*"]),
      "",
    );
  });
});

const CONFIG = JSON.stringify({
  listen: `0.0.0.0:${PORT}`,
  nodes: { local: false },
  auth: {
    keys: [
      { name: "keeper", hash: `sha256:${sha256Of(ADMIN)}`, scopes: ["admin"] },
      { name: "workers", hash: `sha256:${sha256Of(TOKEN)}`, scopes: ["worker"] },
    ],
  },
});

/** Waits until the gateway lists one rpc backend, and says this of it. */
async function untilListed(url: string, health: string): Promise<void> {
  let listed: { endpoint: string; health: string }[] = [];
  await eventually(`one rpc backend that is ${health}`, async () => {
    const response = await fetch(`${url}/api/admin/rpc-backends`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    listed = (await response.json()).backends;
    return listed.length === 1 && listed[0]!.health === health;
  }, 30_000).catch(({ message }) => ok(false, `${message}: ${JSON.stringify(listed)}`));
}

const SHARED_DIRECTORY =
  /^\+ (\/var\/(cache|(cache|lib)\/private)|\/home\/keeper\/\.(config(\/systemd(\/user)?)?|local(\/state)?)) d /;

/** `+ PATH …` for what is new, `- PATH …` for what is gone, but for directories that are not only for sollol. */
function changesBetween(before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
  ].filter((line) => !SHARED_DIRECTORY.test(line));
}

async function readDirectory(machine: BootedSystemd, path: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(machine.path(path)), ({ name }) => name);
}

function inShell(words: readonly string[]): string {
  return `XDG_RUNTIME_DIR=/run/user/$(id -u) ${words.join(" ")}`;
}
