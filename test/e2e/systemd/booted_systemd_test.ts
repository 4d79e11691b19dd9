import { deepEqual, equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { Transcript } from "../transcript.ts";
import { BootedSystemd } from "./booted_systemd.ts";
import { systemdObstacle } from "./systemd_obstacle.ts";

const HOLDER = fileURLToPath(new URL("hold_machine.ts", import.meta.url));

const reason = await systemdObstacle();
const options = { ignore: reason !== undefined };
const suffix = reason === undefined ? "" : ` (skipped: ${reason})`;

Deno.test(`a machine boots, reboots with its files, and leaves nothing${suffix}`, options, async () => {
  const before = await readHost();
  {
    await using machine = await BootedSystemd.boot();
    await machine.addUnits([{ name: "remember.service", text: REMEMBER }]);
    await machine.succeed(["systemctl", "enable", "remember.service"]);
    await machine.write("/run/fleeting", "");
    await machine.reboot();
    equal(await machine.property("remember.service", "ActiveState"), "active");
    equal(await machine.read("/var/lib/private/remember/boots"), "booted\n");
    equal((await machine.run(["ls", "/run/fleeting"])).code, 2);
  }
  deepEqual(await readHost(), before);
});

Deno.test(`a machine whose test is killed leaves nothing${suffix}`, options, async () => {
  const before = await readHost();
  const args = ["run", "--allow-all", "--no-check", HOLDER];
  const holder = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
  const said = new Transcript("the holder", holder.stdout);
  const [, cgroup] = await said.until(/^holding (\S+)\n/);
  holder.kill("SIGKILL");
  await Promise.all([holder.status, said.ended]);
  await eventually("it has ended", () => Deno.stat(cgroup!).then(() => false, () => true));
  deepEqual(await readHost(), before);
});

const REMEMBER = `[Service]
Type=oneshot
RemainAfterExit=yes
DynamicUser=yes
StateDirectory=remember
ExecStart=/bin/sh -c "echo booted >>$STATE_DIRECTORY/boots"
[Install]
WantedBy=multi-user.target
`;

/** What a machine could leave behind. */
async function readHost(): Promise<Record<string, readonly string[]>> {
  const links = await Array.fromAsync(Deno.readDir("/sys/class/net"), ({ name }) => name);
  const names = async (path: string) =>
    (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
  return {
    links: links.filter((name) => name.startsWith(`sd${Deno.pid}`)),
    mounts: (await Deno.readTextFile("/proc/self/mounts")).split("\n"),
    units: await names("/etc/systemd/system"),
    state: await names("/var/lib"),
    users: [await Deno.readTextFile("/etc/passwd"), await Deno.readTextFile("/etc/hostname")],
  };
}
