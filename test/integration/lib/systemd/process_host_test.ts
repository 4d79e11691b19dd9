import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { ProcessHost } from "../../../../lib/systemd/process_host.ts";

const { signal } = new AbortController();

async function withDirectory(work: (directory: string, host: ProcessHost) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sollol-host-" });
  try {
    await work(directory, new ProcessHost({ HOME: directory, XDG_CONFIG_HOME: "relative" }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("ProcessHost writes a file in one step, with its mode whatever the umask, and leaves nothing beside it", async () => {
  await withDirectory(async (directory, host) => {
    const path = `${directory}/unit`;
    await host.writeText(path, "one\n", 0o644);
    await host.writeText(path, "two\n", 0o600);
    await host.writeText(`${directory}/other`, "", 0o666); // no umask leaves that
    equal(await host.readText(path), "two\n");
    equal((await host.readInfo(path))?.mode, 0o600);
    equal((await host.readInfo(`${directory}/other`))?.mode, 0o666);
    deepEqual(await host.readNames(directory), ["other", "unit"]);
    await Deno.mkdir(`${directory}/taken`);
    await rejects(host.writeText(`${directory}/taken`, "x", 0o644), { code: "EISDIR" });
    deepEqual(await host.readNames(directory), ["other", "taken", "unit"]);
  });
});

Deno.test("ProcessHost makes directories with their mode whatever the umask, and leaves alone what is there", async () => {
  await withDirectory(async (directory, host) => {
    await host.makeDirectory(`${directory}/open/inner`, 0o777);
    await host.makeDirectory(`${directory}/open/closed`, 0o700);
    await host.makeDirectory(`${directory}/open`, 0o700);
    const modes = ["open", "open/inner", "open/closed"].map(async (name) => {
      return (await host.readInfo(`${directory}/${name}`))?.mode;
    });
    deepEqual(await Promise.all(modes), [0o777, 0o777, 0o700]);
  });
});

Deno.test("ProcessHost takes what is not there for nothing, and hears what the system refuses", async () => {
  await withDirectory(async (directory, host) => {
    await host.writeText(`${directory}/file`, "x", 0o644);
    await Deno.symlink("nowhere", `${directory}/link`);
    for (const path of [`${directory}/none`, `${directory}/file/below`]) {
      equal(await host.readInfo(path), undefined);
      equal(await host.readText(path), undefined);
      equal(await host.readRealPath(path), undefined);
      equal(await host.remove(path), false);
      deepEqual(await host.readNames(path), []);
    }
    equal(await host.readLink(`${directory}/link`), "nowhere");
    equal(await host.readLink(`${directory}/file`), undefined);
    await rejects(host.remove(directory), { code: "ENOTEMPTY" });
    equal(host.configHome, undefined); // only absolute paths count
  });
});

Deno.test("ProcessHost runs programs in English and UTC, and tells how they fail", async () => {
  await withDirectory(async (_directory, host) => {
    const said = await host.run("/bin/sh", ["-c", "echo $LC_ALL $TZ"], { signal });
    deepEqual([said.code, said.stdout.trim(), said.failure], [0, "C UTC", ""]);
    const { code, failure } = await host.run("/bin/sh", ["-c", "echo no >&2; exit 3"], { signal });
    equal(code, 3);
    match(failure, /code 3: no/);
    await rejects(host.run("/no/such/program", [], { signal }), { code: "backend_unreachable" });
  });
});
