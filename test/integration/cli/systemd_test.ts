import { deepEqual, equal, match, ok } from "node:assert/strict";
import { sealed } from "../../../systemd/seal.ts";
import { systemdCommands } from "../../../lib/cli/commands/systemd.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { systemClock } from "../../../lib/clock.ts";
import type { Environment } from "../../../lib/config/environment.ts";
import { findOnPath } from "../../../lib/process/executable.ts";
import { ProcessHost } from "../../../lib/systemd/process_host.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeUnitHost } from "../../fakes/fake_unit_host.ts";

const SOLLOL = "/usr/local/bin/sollol";
/** Any program of the host: where llama.cpp is installed is not what is tested. */
const RPC_SERVER = "/bin/true";
const RPC = ["rpc-server", "--rpc-server", RPC_SERVER];
const WORKER = ["worker", "--rpc-server", RPC_SERVER, "--program", SOLLOL];
const TOKEN = "s3cret-token";
const UNITS = "/etc/systemd/system";

function machine(): FakeUnitHost {
  return new FakeUnitHost().add(RPC_SERVER, "", { mode: 0o755 }).add(SOLLOL, "", { mode: 0o755 });
}

async function sollol(
  unitHost: FakeUnitHost | ProcessHost,
  args: readonly string[],
  env: Environment = {},
): Promise<{ code: number; out: string; err: string; host: FakeCliHost }> {
  const clock = unitHost instanceof FakeUnitHost ? unitHost.clock : systemClock;
  const root = {
    name: "sollol",
    summary: "",
    commands: [systemdCommands({ openHost: () => unitHost, clock })],
  };
  const host = new FakeCliHost({ env });
  const code = await runCli(root, ["systemd", ...args], host);
  return { code, out: host.stdout.text, err: host.stderr.text, host };
}

Deno.test("sollol systemd prints a unit that can be written into a file as it is, and changes nothing", async () => {
  const host = machine();
  const before = [...host.files.keys()];
  const { code, out, err } = await sollol(host, RPC);
  equal(code, 0, err);
  match(out, /^# sollol-rpc\.service[^]*\nExecStart=\/bin\/true -H 127\.0\.0\.1 -p 50052\n/);
  deepEqual([...host.files.keys()], before);
  deepEqual((await sollol(host, [...RPC, "print"])).out, out);
  const { host: cli } = await sollol(host, [...RPC, "--json"]);
  deepEqual(cli.json(), [{ name: "sollol-rpc.service", path: `${UNITS}/sollol-rpc.service`, text: out }]);
});

Deno.test("sollol systemd prints also where sollol and llama.cpp are not fit for a unit yet, and says so", async () => {
  const { code, out, err } = await sollol(machine(), ["worker", "--gateway", "http://10.0.0.2:11435"], {});
  equal(code, 0);
  match(out, /ExecStart=\/usr\/local\/bin\/sollol worker --gateway http:\/\/10\.0\.0\.2:11435/);
  match(out, /IPAddressAllow=.*10\.0\.0\.2/);
  match(err, /deno task portable/);
});

for (
  const { name, args, code, want } of [
    {
      name: "an rpc server on the network without a list of who may come",
      args: [...RPC, "--host", "192.168.1.20"],
      code: 2,
      want: /no password.*--help/,
    },
    {
      name: "two rpc servers on one port",
      args: [...RPC, "-p", "1", "-p", "2", "-p", "1"],
      code: 2,
      want: /1 is given twice/,
    },
    { name: "a port that is none", args: [...RPC, "-p", "65536"], code: 2, want: /65536 is no port/ },
    { name: "a port in words", args: [...RPC, "-p", "any"], code: 2, want: /whole number/ },
    { name: "a name with a space", args: [...RPC, "--name", "a b"], code: 2, want: /cannot name a unit/ },
    {
      name: "a name that leads elsewhere",
      args: [...RPC, "--name", "../x"],
      code: 2,
      want: /cannot name a unit/,
    },
    {
      name: "a device with a line break",
      args: [...RPC, "--devices", "CPU\nUser=root"],
      code: 2,
      want: /no device/,
    },
    { name: "a size that is none", args: [...RPC, "--memory", "much"], code: 2, want: /not a size/ },
    { name: "no memory at all", args: [...RPC, "--memory", "0"], code: 2, want: /too few/ },
    {
      name: "an address that is none",
      args: [...RPC, "--allow", "shelf"],
      code: 2,
      want: /neither an address/,
    },
    { name: "an action that is none", args: [...RPC, "instal"], code: 2, want: /Did you mean|did you mean/ },
    { name: "a worker without a gateway", args: WORKER, code: 2, want: /--gateway URL is missing/ },
    {
      name: "a worker for a socket",
      args: [...WORKER, "--gateway", "unix:/run/x"],
      code: 2,
      want: /over the network/,
    },
    {
      name: "a coordinator without a model",
      args: ["coordinator"],
      code: 2,
      want: /--model FILE is missing/,
    },
    {
      name: "a model whose name no unit can hold",
      args: ["coordinator", "--model", "/srv/a\nb.gguf", "--rpc", "10.0.0.3"],
      code: 2,
      want: /line break/,
    },
    { name: "both places", args: [...RPC, "--user", "--root", "/image"], code: 2, want: /leave out --user/ },
    {
      name: "a config that is wrong",
      args: ["gateway", "--program", SOLLOL, "--set", "coordinator.slots=none"],
      code: 1,
      want: /coordinator\.slots/,
    },
    {
      name: "a config that is not there",
      args: ["gateway", "--program", SOLLOL, "--config", "/no/such.yaml"],
      code: 1,
      want: /no such file/,
    },
    {
      name: "a credential without a path",
      args: ["gateway", "--program", SOLLOL, "--credential", "x"],
      code: 2,
      want: /NAME=PATH/,
    },
    {
      name: "a credential that is not there",
      args: ["gateway", "install", "--no-setup", "--program", SOLLOL, "--credential", "x=/no/key"],
      code: 1,
      want: /no such file/,
    },
    {
      name: "a config whose credential nobody hands over",
      args: [
        ...["gateway", "install", "--no-setup", "--program", SOLLOL],
        ...["--set", 'auth.keys=[{"name":"chat","credential":"chat-key"}]'],
      ],
      code: 1,
      want: /credential "chat-key".*add --credential chat-key=PATH/,
    },
    {
      name: "keys that everybody could read in the unit",
      args: ["gateway", "--program", SOLLOL, "--set", `api_keys=${TOKEN}`],
      code: 2,
      want: /--set api_keys: every user.*--credential/,
    },
    {
      name: "named keys that everybody could read in the unit",
      args: [
        "gateway",
        "--program",
        SOLLOL,
        "--set",
        `auth.keys=[{"name":"a","key":"${TOKEN}-${TOKEN}-${TOKEN}"}]`,
      ],
      code: 2,
      want: /--set auth\.keys: every user/,
    },
    {
      name: "a model that is not there",
      args: ["coordinator", "install", "--model", "/no/model.gguf", "--rpc", "10.0.0.3"],
      code: 1,
      want: /Cannot take the model from "\/no\/model\.gguf": there is no such file/,
    },
    {
      name: "a sollol that services cannot reach",
      args: [...WORKER, "install", "--no-check", "--gateway", "http://10.0.0.2", "--program", "/root/sollol"],
      code: 1,
      want: /install -m 755 \/root\/sollol \/usr\/local\/bin\/sollol/,
    },
  ]
) {
  Deno.test(`sollol systemd refuses ${name}, and writes nothing`, async () => {
    const host = machine().add("/root/sollol", "", { mode: 0o755 });
    const before = [...host.files.keys()];
    const { code: got, out, err } = await sollol(host, args);
    deepEqual([got, out], [code, ""], err);
    match(err, want);
    ok(!err.includes(TOKEN), err);
    deepEqual([...host.files.keys()], before);
  });
}

Deno.test("sollol systemd refuses a config that the service could not read, also where it is found without an option", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sollol-config-" });
  try {
    const path = `${directory}/sollol/config.yaml`;
    await Deno.mkdir(`${directory}/sollol`);
    await Deno.writeTextFile(path, "model: a\n");
    const host = machine().add(path, "", { mode: 0o600 }); // a service of the user would see it
    host.addDirectory(`${directory}/systemd/user`);
    host.configHome = directory;
    const args = ["gateway", "install", "--no-setup", "--program", SOLLOL];
    const { code, err } = await sollol(host, [...args, "--config", path]);
    equal(code, 1);
    match(err, /gateway cannot read its config/);
    const ofUser = await sollol(host, [...args, "--user"], { XDG_CONFIG_HOME: directory });
    match(ofUser.err, new RegExp(`gateway cannot read its config "${path}".*gone after a restart`));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("sollol systemd writes absolute paths, since a service runs elsewhere, and remembers them", async () => {
  const args = ["gateway", "--program", SOLLOL, "--models", "models", "--llama-server", "./bin/llama-server"];
  const { out, err } = await sollol(machine(), args);
  const here = Deno.cwd();
  match(
    out,
    new RegExp(`ExecStart=.* --models=${here}/models --llama-server=${here}/bin/llama-server\n`),
    err,
  );
  match(
    out,
    new RegExp(`# Arguments: .*"--models=${here}/models","--llama-server=${here}/bin/llama-server"`),
  );
  match((await sollol(machine(), ["gateway", "--rpc-server", "my-rpc"])).out, /--rpc-server=my-rpc/);
});

Deno.test("sollol systemd tells whoever is not root the command that would do it", async () => {
  const host = machine();
  host.userId = 1000;
  const { code, err } = await sollol(host, [...RPC, "install", "--host", "10.0.0.3", "--allow", "10.0.0.2"]);
  equal(code, 1);
  match(err, /sudo sollol systemd rpc-server install --host=10\.0\.0\.3 .*--allow=10\.0\.0\.2.*--user/);
  const joining = ["--gateway", "http://10.0.0.2", "--token", TOKEN, "--no-check"];
  const worker = (await sollol(host, [...WORKER, "install", ...joining])).err;
  match(worker, /sudo sollol systemd worker install .*--token=TOKEN --no-check/);
  ok(!worker.includes(TOKEN));
  match((await sollol(host, ["gateway", "uninstall", "--purge"])).err, /uninstall --purge/);
  host.home = "/home/ann";
  host.addDirectory("/home/ann/.config/systemd/user");
  equal((await sollol(host, [...RPC, "install", "--user"])).code, 0);
  ok(host.files.has("/home/ann/.config/systemd/user/sollol-rpc.service"));
});

Deno.test("sollol systemd installs, tells how it stands, and takes it away again", async () => {
  const host = machine();
  const before = [...host.files.keys()];
  const installed = await sollol(host, [...RPC, "install", "-p", "50060"]);
  equal(installed.code, 0, installed.err);
  match(installed.out, /sollol-rpc\.service: up, started/);
  match(installed.out, /journalctl --unit sollol-rpc\.service/);
  const again = await sollol(host, [...RPC, "install", "-p", "50060", "--json"]);
  deepEqual((again.host.json() as { units: unknown }).units, [
    { name: "sollol-rpc.service", path: `${UNITS}/sollol-rpc.service`, change: "unchanged" },
  ]);
  for (const args of [["rpc-server", "status"], ["status"]]) {
    const { code, out } = await sollol(host, args);
    equal(code, 0, out);
    match(out, /sollol-rpc\.service: active[^]*up to date/);
  }
  equal((await sollol(host, ["rpc-server", "uninstall"])).code, 0);
  deepEqual([...host.files.keys()], before);
  equal((await sollol(host, ["rpc-server", "status"])).code, 1);
  match((await sollol(host, ["rpc-server", "uninstall"])).out, /Nothing of sollol-rpc/);
});

Deno.test("sollol systemd status finds a program that has moved, a unit that is out of date, and one that was edited", async () => {
  const host = machine();
  await sollol(host, [...RPC, "install"]);
  await sollol(host, [...RPC, "install", "--name", "other", "-p", "50061"]);
  const path = `${UNITS}/sollol-rpc.service`;
  const text = host.text(path);
  host.add(path, sealed(text.replace(/# sollol-seal.*\n/, "").replace("RestartSec=2s", "RestartSec=9s")));
  host.add(
    `${UNITS}/other.service`,
    host.text(`${UNITS}/other.service`).replace("RestartSec=2s", "RestartSec=9s"),
  );
  host.add(`${UNITS}/theirs.service`, "[Service]\nExecStart=/bin/false\n");
  host.files.delete(RPC_SERVER);
  const { code, out, host: cli } = await sollol(host, ["status", "--json"]);
  equal(code, 1, out);
  const reports = cli.json() as Record<string, unknown>[];
  deepEqual(
    reports.map(({ unit, isEdited, isCurrent, missingProgram }) => ({
      unit,
      isEdited,
      isCurrent,
      missingProgram,
    })),
    [
      { unit: "other.service", isEdited: true, isCurrent: null, missingProgram: RPC_SERVER },
      { unit: "sollol-rpc.service", isEdited: false, isCurrent: false, missingProgram: RPC_SERVER },
    ],
  );
});

Deno.test("sollol systemd status tells how to install again what is out of date, with all that was asked for", async () => {
  const host = machine();
  await sollol(host, [...RPC, "install", "--name", "two", "-p", "50061"]);
  const path = `${UNITS}/two.service`;
  const body = host.text(path).replace(/# sollol-seal.*\n/, "");
  host.add(path, sealed(body.replace("RestartSec=2s", "RestartSec=9s")));
  const { out } = await sollol(host, ["status"]);
  match(out, /out of date: this sollol would write it otherwise/);
  const [, command = ""] = /sudo sollol systemd (rpc-server install .*)/.exec(out) ?? [];
  const again = await sollol(host, command.split(" "));
  equal(again.code, 0, out + again.err);
  match((await sollol(host, ["status"])).out, /two\.service, up to date/);
});

Deno.test("sollol systemd shows why a service does not come up, with its last lines", async () => {
  const host = machine();
  host.dying.add("sollol-rpc.service");
  host.journal.set("sollol-rpc.service", ["Failed to create server socket\u001b[31m"]);
  const { code, out } = await sollol(host, [...RPC, "install"]);
  equal(code, 1);
  match(out, /not up, it ended with exit code 1[^]*Failed to create server socket/);
  ok(!out.includes("\u001b"));
});

Deno.test("sollol systemd installs several rpc servers as instances of a template", async () => {
  const host = machine();
  const { out } = await sollol(host, [...RPC, "install", "-p", "50060", "-p", "50061"]);
  match(out, /sollol-rpc@50060\.service: up[^]*sollol-rpc@50061\.service: up/);
  match(
    (await sollol(host, ["status"])).out,
    /sollol-rpc@50060\.service: active[^]*sollol-rpc@50061\.service: active/,
  );
});

Deno.test("sollol systemd status understands a unit whatever its options hold", async () => {
  const host = machine().add("/srv/my models/a %h $HOME.gguf");
  const args = [
    "coordinator",
    "install",
    "--model",
    "/srv/my models/a %h $HOME.gguf",
    "--rpc",
    "10.0.0.3:50052",
  ];
  const odd = ["--alias", `it's "odd" %n $PATH \\ é ;&|`, "--arg=--mlock", "--llama-server", RPC_SERVER];
  const { code, err } = await sollol(host, [...args, ...odd]);
  equal(code, 0, err);
  match((await sollol(host, ["coordinator", "status"])).out, /up to date/);
});

Deno.test("sollol systemd worker keeps the token in a file for root, and out of everything else", async () => {
  const host = machine();
  host.statusTexts.set("sollol-worker.service", "runs 1 rpc server; joined http://10.0.0.2:11435 as shelf");
  const args = [...WORKER, "install", "--no-check", "--gateway", "http://10.0.0.2:11435"];
  const { code, out, err } = await sollol(host, [...args, "--token", TOKEN]);
  equal(code, 0, err);
  match(err, /could see --token/);
  const secret = "/etc/sollol/credentials/sollol-worker.worker-token";
  deepEqual([host.text(secret), host.files.get(secret)?.mode], [`${TOKEN}\n`, 0o600]);
  const unit = host.text(`${UNITS}/sollol-worker.service`);
  match(unit, new RegExp(`LoadCredential=worker-token:${secret}`));
  for (const text of [unit, out, err, ...host.commands]) ok(!text.includes(TOKEN), text);
  match((await sollol(host, ["worker", "status"])).out, /up to date/);
  const later = await sollol(host, args);
  match(later.out, /sollol-worker\.service: up to date/);
  const replaced = await sollol(host, args, { SOLLOL_WORKER_TOKEN: "another" });
  match(replaced.out, /worker-token: written[^]*restarted/);
});

Deno.test("sollol systemd worker ends well only when the gateway was there and has taken it in", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => Response.json({ status: "ok" }),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const args = [...WORKER, "install", "--gateway", url];
  const host = machine();
  host.statusTexts.set("sollol-worker.service", "runs 1 rpc server; not joined: it wants a token");
  const refused = await sollol(host, args);
  equal(refused.code, 1);
  match(refused.out, /has not taken this worker in: .*not joined: it wants a token/);
  host.statusTexts.set("sollol-worker.service", `runs 1 rpc server; joined ${url} as shelf`);
  const taken = await sollol(host, args);
  equal(taken.code, 0, taken.err);
  await server.shutdown();
  const fresh = machine();
  const { code, err } = await sollol(fresh, args);
  equal(code, 1);
  match(err, /gateway is not at .*--no-check/);
  ok(!fresh.files.has(`${UNITS}/sollol-worker.service`));
});

Deno.test("sollol systemd gateway passes options on, and names are its own", async () => {
  const args = [
    "gateway",
    "--program",
    SOLLOL,
    "--name",
    "second",
    "--listen",
    "127.0.0.1:11500",
    "--set",
    "model=a b",
  ];
  const { code, out, err } = await sollol(machine(), [...args, "--socket", "127.0.0.1:11500"]);
  equal(code, 0, err);
  match(out, /ExecStart=\/usr\/local\/bin\/sollol serve .*--listen=127\.0\.0\.1:11500/);
  match(out, /"--set=model=a b"/);
  match(out, /StateDirectory=second\n/);
  match(out, /Requires=second\.socket\n/);
  match(out, /# \/etc\/systemd\/system\/second\.socket\n/);
  ok(!/^(?!#|Description|ExecStart).*\bsollol\b/m.test(out), out);
});

const hasSystemctl = await findOnPath("systemctl", Deno.env.get("PATH")) !== undefined;

Deno.test({
  name: "sollol systemd prepares an image: it starts with it, and nothing is left when it is taken away",
  ignore: !hasSystemctl, // systemd's own program enables units without a running systemd
  async fn() {
    const root = await Deno.makeTempDir({ prefix: "sollol-image-" });
    try {
      await Deno.mkdir(`${root}/usr/local/bin`, { recursive: true });
      await Deno.writeTextFile(`${root}/usr/local/bin/ggml-rpc-server`, "#!/bin/sh\n", { mode: 0o755 });
      const host = new ProcessHost({});
      const args = ["rpc-server", "--root", root];
      const { code, err } = await sollol(host, [...args, "install", "-p", "50060", "-p", "50061"]);
      equal(code, 0, err);
      const units = `${root}${UNITS}`;
      match(
        await Deno.readTextFile(`${units}/sollol-rpc@.service`),
        /ExecStart=\/usr\/local\/bin\/ggml-rpc-server /,
      );
      equal((await Deno.stat(`${units}/sollol-rpc@.service`)).mode! & 0o777, 0o644);
      equal(
        await Deno.readLink(`${units}/multi-user.target.wants/sollol-rpc@50060.service`),
        `${UNITS}/sollol-rpc@.service`,
      );
      match((await sollol(host, [...args, "status"])).out, /sollol-rpc@50061\.service[^]*up to date/);
      equal((await sollol(host, [...args, "install", "-p", "50061"])).code, 0);
      deepEqual(await host.readNames(`${units}/multi-user.target.wants`), ["sollol-rpc.service"]);
      await sollol(host, [...args, "uninstall"]);
      deepEqual((await host.readNames(units)).filter((name) => name.includes("sollol")), []);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
