import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { sealed } from "../../../../systemd/seal.ts";
import { installUnits, type UnitTools } from "../../../../lib/systemd/install.ts";
import { uninstallUnits } from "../../../../lib/systemd/uninstall.ts";
import { placeOfUnits } from "../../../../lib/systemd/unit_place.ts";
import { withRecord } from "../../../../lib/systemd/unit_record.ts";
import type { UnitSet } from "../../../../lib/systemd/unit_set.ts";
import { FakeUnitHost } from "../../../fakes/fake_unit_host.ts";

const SERVICE = "/etc/systemd/system/sollol-rpc.service";
const TEMPLATE = "/etc/systemd/system/sollol-rpc@.service";
const RPC_SERVERS = { role: "rpc-server", stem: "sollol-rpc" } as const;
const TOKEN = "/etc/sollol/credentials/sollol-rpc.worker-token";

function unit(name: string, line = "ExecStart=/bin/true") {
  return withRecord({ name, text: sealed(`# ${name}\n\n[Service]\n${line}\n`) }, ["rpc-server"]);
}

function oneService(change: Partial<UnitSet> = {}): UnitSet {
  return {
    role: "rpc-server",
    stem: "sollol-rpc",
    files: [unit("sollol-rpc.service")],
    enabled: ["sollol-rpc.service"],
    services: ["sollol-rpc.service"],
    secrets: [],
    ...change,
  };
}

function instances(...ports: number[]): UnitSet {
  const names = ports.map((port) => `sollol-rpc@${port}.service`);
  return oneService({ files: [unit("sollol-rpc@.service")], enabled: names, services: names });
}

function toolsFor(host: FakeUnitHost, signal = new AbortController().signal): UnitTools {
  return { host, clock: host.clock, place: placeOfUnits("system", { host }), signal, onStep: () => {} };
}

Deno.test("installUnits() writes, enables and starts, and says that it is up", async () => {
  const host = new FakeUnitHost();
  const outcome = await installUnits(oneService(), toolsFor(host));
  deepEqual(outcome.changes.map(({ path, change }) => [path, change]), [[SERVICE, "written"]]);
  equal(host.files.get(SERVICE)?.mode, 0o644);
  deepEqual([...host.enabled], ["sollol-rpc.service"]);
  ok(host.isRunning("sollol-rpc.service"));
  deepEqual(outcome.services.map(({ wish, trouble }) => [wish, trouble]), [["start", undefined]]);
});

Deno.test("installUnits() changes nothing when it is done again", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  const again = await installUnits(oneService(), toolsFor(host));
  equal(again.changes[0]?.change, "unchanged");
  equal(again.services[0]?.wish, undefined);
  equal(host.commands.filter((command) => command.startsWith("systemctl restart")).length, 1);
});

Deno.test("installUnits() replaces what an earlier sollol wrote, and restarts the service", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  const newer = oneService({ files: [unit("sollol-rpc.service", "ExecStart=/bin/false")] });
  const outcome = await installUnits(newer, toolsFor(host));
  equal(outcome.changes[0]?.change, "replaced");
  equal(outcome.services[0]?.wish, "restart");
  equal(host.text(SERVICE), newer.files[0]?.text);
});

for (
  const { name, where } of [
    { name: "before systemd has read the units", where: "systemctl daemon-reload" },
    { name: "before they are enabled", where: "systemctl enable" },
    { name: "before the service is started", where: "systemctl restart" },
  ]
) {
  Deno.test(`installUnits() completes an update that was cut off ${name}`, async () => {
    const host = new FakeUnitHost();
    await installUnits(oneService(), toolsFor(host));
    host.clock.nowMs += 60_000;
    host.beforeCommand = (command) => {
      if (command.startsWith(where)) throw new Error("interrupted");
    };
    const newer = oneService({ files: [unit("sollol-rpc.service", "ExecStart=/bin/false")] });
    await rejects(installUnits(newer, toolsFor(host)), /interrupted/);
    host.beforeCommand = () => {};
    host.clock.nowMs += 60_000;
    const outcome = await installUnits(newer, toolsFor(host));
    equal(outcome.services[0]?.wish, "restart");
    deepEqual([...host.enabled], ["sollol-rpc.service"]);
  });
}

Deno.test("installUnits() shows what it would change in a unit that somebody edited, and touches nothing", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  const edited = host.text(SERVICE).replace("/bin/true", "/bin/sleep");
  host.add(SERVICE, edited);
  await rejects(installUnits(oneService({ secrets: [{ path: TOKEN, text: "x" }] }), toolsFor(host)), {
    code: "conflict",
    message: /edited.*\n@@[^]*-ExecStart=\/bin\/sleep\n\+ExecStart=\/bin\/true[^]*--force/,
  });
  equal(host.text(SERVICE), edited);
  ok(!host.files.has(TOKEN));
  const outcome = await installUnits(oneService(), toolsFor(host), { force: true });
  equal(outcome.changes[0]?.change, "replaced");
});

for (
  const { name, prepare, want } of [
    {
      name: "is not ours",
      prepare: (host: FakeUnitHost) => host.add(SERVICE, "[Service]\nExecStart=/bin/true\n"),
      want: /not sollol's/,
    },
    {
      name: "is masked",
      prepare: (host: FakeUnitHost) => host.addLink(SERVICE, "/dev/null"),
      want: /masked.*unmask/,
    },
    {
      name: "is a link",
      prepare: (host: FakeUnitHost) => host.addLink(SERVICE, "/srv/units/x.service"),
      want: /link to \/srv\/units\/x\.service/,
    },
  ]
) {
  Deno.test(`installUnits() never overwrites a file that ${name}, not even by force`, async () => {
    const host = new FakeUnitHost();
    prepare(host);
    await rejects(installUnits(oneService(), toolsFor(host), { force: true }), {
      code: "conflict",
      message: want,
    });
    deepEqual([...host.enabled], []);
  });
}

Deno.test("installUnits() says where no systemd runs that units can still be printed", async () => {
  const host = new FakeUnitHost({ isBooted: false });
  await rejects(installUnits(oneService(), toolsFor(host)), {
    code: "invalid_request",
    message: /systemd does not run.*printed/,
  });
  ok(!host.files.has(SERVICE));
});

for (
  const { code, want } of [
    { code: "EROFS", want: /read-only/ },
    { code: "EACCES", want: /root/ },
    { code: "ENOSPC", want: /full/ },
  ]
) {
  Deno.test(`installUnits() says what to do about ${code}`, async () => {
    const host = new FakeUnitHost();
    host.writeFailure = code;
    await rejects(installUnits(oneService(), toolsFor(host)), {
      code: "invalid_request",
      message: new RegExp(`Cannot write ${SERVICE}.*${want.source}`),
    });
  });
}

Deno.test("installUnits() tells in words that a service does not come up", async () => {
  const host = new FakeUnitHost();
  host.dying.add("sollol-rpc.service");
  const outcome = await installUnits(oneService(), toolsFor(host));
  match(outcome.services[0]?.trouble ?? "", /exit code 1, and is started again/);
});

Deno.test("installUnits() stops instances that are no longer wanted, and keeps the others running", async () => {
  const host = new FakeUnitHost();
  await installUnits(instances(50052, 50053), toolsFor(host));
  const outcome = await installUnits(instances(50053, 50054), toolsFor(host));
  deepEqual(outcome.retired, ["sollol-rpc@50052.service"]);
  deepEqual(outcome.services.map(({ wish }) => wish), [undefined, "start"]);
  deepEqual([...host.enabled].sort(), ["sollol-rpc@50053.service", "sollol-rpc@50054.service"]);
  ok(!host.isRunning("sollol-rpc@50052.service"));
});

Deno.test("installUnits() leaves a socket and its service alone that run as their units say, and shows both", async () => {
  const host = new FakeUnitHost();
  const files = [unit("sollol-rpc.service"), unit("sollol-rpc.socket", "ListenStream=1")];
  const set = oneService({ files, enabled: files.map(({ name }) => name) });
  const first = await installUnits(set, toolsFor(host));
  deepEqual(first.services.map(({ unit, wish }) => [unit, wish]), [
    ["sollol-rpc.service", "start"],
    ["sollol-rpc.socket", "start"],
  ]);
  ok(host.commands.includes("systemctl restart sollol-rpc.socket sollol-rpc.service"), "the socket is first");
  const again = await installUnits(set, toolsFor(host));
  deepEqual(again.services.map(({ wish }) => wish), [undefined, undefined]);
  equal(host.commands.filter((command) => command.startsWith("systemctl restart")).length, 1);
});

Deno.test("installUnits() and uninstallUnits() touch no unit of another role", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  const want = { code: "conflict", message: /unit of a rpc-server, not of a worker; .*--name/ };
  const files = [
    withRecord({ name: "sollol-rpc.service", text: sealed("# other\n\n[Service]\n") }, ["worker"]),
  ];
  await rejects(installUnits(oneService({ role: "worker", files }), toolsFor(host), { force: true }), want);
  await rejects(uninstallUnits({ ...RPC_SERVERS, role: "worker" }, toolsFor(host), { force: true }), want);
  ok(host.isRunning("sollol-rpc.service"));
});

Deno.test("installUnits() hides no unit of a package", async () => {
  const host = new FakeUnitHost().add("/usr/lib/systemd/system/sollol-rpc.service", "[Service]\n");
  await rejects(installUnits(oneService(), toolsFor(host)), {
    code: "conflict",
    message: /has one already, \/usr\/lib\/systemd\/system\/sollol-rpc\.service; .*--name/,
  });
  ok(!host.files.has(SERVICE));
});

Deno.test("installUnits() and uninstallUnits() stop no instances of templates of others", async () => {
  const host = new FakeUnitHost().add("/usr/lib/systemd/system/sollol-rpc@.service", "[Service]\n");
  const theirs = "sollol-rpc@tty1.service";
  await host.run("systemctl", ["enable", theirs], { signal: new AbortController().signal });
  await host.run("systemctl", ["restart", theirs], { signal: new AbortController().signal });
  deepEqual((await installUnits(oneService(), toolsFor(host))).retired, []);
  await uninstallUnits(RPC_SERVERS, toolsFor(host));
  ok(host.isRunning(theirs));
  ok(host.enabled.has(theirs));
});

Deno.test("installUnits() puts a template in the place of a single service", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  await installUnits(instances(50052, 50053), toolsFor(host));
  ok(!host.files.has(SERVICE));
  ok(host.files.has(TEMPLATE));
  ok(!host.isRunning("sollol-rpc.service"));
});

Deno.test("installUnits() restarts a service whose secret has changed, and keeps it from everybody else", async () => {
  const host = new FakeUnitHost();
  const withToken = (text: string) => oneService({ secrets: [{ path: TOKEN, text }] });
  await installUnits(withToken("one\n"), toolsFor(host));
  equal(host.files.get(TOKEN)?.mode, 0o600);
  equal(host.directories.get("/etc/sollol/credentials")?.mode, 0o700);
  equal((await installUnits(withToken("one\n"), toolsFor(host))).services[0]?.wish, undefined);
  equal((await installUnits(withToken("two\n"), toolsFor(host))).services[0]?.wish, "restart");
});

Deno.test("installUnits() starts nothing in the root of another system", async () => {
  const host = new FakeUnitHost({ isBooted: false });
  const place = placeOfUnits("system", { host, root: "/image" });
  const outcome = await installUnits(oneService(), { ...toolsFor(host), place });
  ok(host.files.has(`/image${SERVICE}`));
  deepEqual(outcome.services, []);
  ok(host.commands.every((command) => !/restart|daemon-reload/.test(command)), host.commands.join("\n"));
});

Deno.test("uninstallUnits() leaves nothing of an installation", async () => {
  const host = new FakeUnitHost();
  const before = [...host.files.keys()];
  await installUnits(instances(50052, 50053), toolsFor(host));
  await installUnits({ ...instances(50052), secrets: [{ path: TOKEN, text: "x" }] }, toolsFor(host));
  const outcome = await uninstallUnits(RPC_SERVERS, toolsFor(host));
  deepEqual(outcome.removed, [TEMPLATE, TOKEN]);
  deepEqual([...host.files.keys()], before);
  ok(!host.directories.has("/etc/sollol"));
  ok(!host.isRunning("sollol-rpc@50052.service"));
});

Deno.test("uninstallUnits() keeps what is not of its units, and what somebody set beside them", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService({ secrets: [{ path: TOKEN, text: "x" }] }), toolsFor(host));
  host.add("/etc/sollol/config.yaml").add(`${SERVICE}.d/override.conf`);
  host.add("/etc/systemd/system/sollol-rpc-two.service", "theirs");
  const outcome = await uninstallUnits(RPC_SERVERS, toolsFor(host));
  deepEqual(outcome.kept.map(({ path }) => path), [`${SERVICE}.d`]);
  ok(host.files.has("/etc/sollol/config.yaml"));
  ok(host.files.has("/etc/systemd/system/sollol-rpc-two.service"));
  await installUnits(oneService(), toolsFor(host));
  await uninstallUnits(RPC_SERVERS, toolsFor(host), { purge: true });
  ok(!host.files.has(`${SERVICE}.d/override.conf`));
  ok(host.commands.includes("systemctl clean --what=all sollol-rpc.service"), host.commands.join("\n"));
});

Deno.test("uninstallUnits() keeps secrets that somebody else put beside its own", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService({ secrets: [{ path: TOKEN, text: "x" }] }), toolsFor(host));
  host.add("/etc/sollol/credentials/sollol-rpc.chat", "theirs");
  await uninstallUnits(RPC_SERVERS, toolsFor(host));
  ok(!host.files.has(TOKEN));
  ok(host.files.has("/etc/sollol/credentials/sollol-rpc.chat"));
});

for (
  const { failure, kept } of [
    { failure: "exited with code 1: Failed to clean unit: No matching resources found.", kept: [] },
    { failure: "exited with code 1: Failed to clean unit: Unit is busy.", kept: ["sollol-rpc.service"] },
  ]
) {
  Deno.test(`uninstallUnits() keeps ${kept.length === 0 ? "nothing" : "what is stored"} if cleaning ${failure}`, async () => {
    const host = new FakeUnitHost();
    await installUnits(oneService(), toolsFor(host));
    host.cleanFailures.set("sollol-rpc.service", failure);
    const outcome = await uninstallUnits(RPC_SERVERS, toolsFor(host), { purge: true });
    deepEqual(outcome.kept.map(({ path }) => path), kept);
  });
}

Deno.test("uninstallUnits() removes nothing while a service does not stop", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  host.stubborn.add("sollol-rpc.service");
  await rejects(uninstallUnits(RPC_SERVERS, toolsFor(host)), {
    code: "upstream_failed",
    message: /systemd does not stop sollol-rpc\.service/,
  });
  ok(host.files.has(SERVICE));
});

Deno.test("uninstallUnits() stops instances whose template is gone", async () => {
  const host = new FakeUnitHost();
  await installUnits(instances(50052, 50053), toolsFor(host));
  host.files.delete(TEMPLATE);
  await uninstallUnits(RPC_SERVERS, toolsFor(host));
  ok(!host.isRunning("sollol-rpc@50052.service"));
  deepEqual([...host.enabled], []);
});

Deno.test("uninstallUnits() completes one that was cut off", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  host.files.delete(SERVICE);
  await uninstallUnits(RPC_SERVERS, toolsFor(host));
  ok(!host.isRunning("sollol-rpc.service"));
});

Deno.test("uninstallUnits() removes a unit that somebody edited only by force", async () => {
  const host = new FakeUnitHost();
  await installUnits(oneService(), toolsFor(host));
  host.add(SERVICE, `${host.text(SERVICE)}# mine\n`);
  await rejects(uninstallUnits(RPC_SERVERS, toolsFor(host)), {
    code: "conflict",
    message: /edited.*--force/s,
  });
  ok(host.isRunning("sollol-rpc.service"));
  await uninstallUnits(RPC_SERVERS, toolsFor(host), { force: true });
  ok(!host.files.has(SERVICE));
});

Deno.test("uninstallUnits() does nothing where nothing is", async () => {
  const host = new FakeUnitHost();
  deepEqual(await uninstallUnits(RPC_SERVERS, toolsFor(host)), { removed: [], kept: [] });
});

Deno.test("installUnits() ends between two steps when it is interrupted", async () => {
  const interruption = new AbortController();
  const host = new FakeUnitHost();
  host.beforeCommand = (command) => {
    if (command === "systemctl daemon-reload") interruption.abort(new Error("enough"));
  };
  await rejects(installUnits(oneService(), toolsFor(host, interruption.signal)), /enough/);
  ok(!host.isRunning("sollol-rpc.service"));
});
