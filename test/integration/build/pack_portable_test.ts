import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { packPortable } from "../../build/pack_portable.ts";
import { until } from "../../fixtures/until.ts";
import { MACHINE, namesIn, output, PortableBed } from "./portable_bed.ts";

/** Fails unless one version lies there, whole, and nothing else. */
function assertOneVersion(directory: string): void {
  const names = namesIn(directory);
  equal(names.length, 1, `there are ${names}`);
  deepEqual(namesIn(join(directory, names[0]!)), ["LICENSES", "deno", "sollol.js", "start.js"]);
}

function test(name: string, body: (bed: PortableBed) => Promise<void>, { ignore = false } = {}): void {
  Deno.test({
    name: `the portable file ${name}`,
    ignore: ignore || Deno.build.os !== "linux",
    async fn() {
      await using bed = await PortableBed.create();
      await body(bed);
    },
  });
}

test("passes its arguments, exit code and path on, and extracts itself once", async (bed) => {
  const args = ["serve", "with space", "", "quo'te\"s", "$HOME", "*", "-n", "ünï"];
  for (const _ of ["first", "second"]) {
    const { code, stdout, stderr } = await bed.run(args, {
      env: { ...bed.env, DENO_SERVE_ADDRESS: "tcp:0.0.0.0:1" },
    });
    deepEqual({ code, stderr }, { code: 7, stderr: "" });
    const [start, program, address, , words] = stdout.split("\n");
    match(start!, /\.cache\/sollol\/sollol-[\d.]+-[0-9a-f]{12}\/start\.js$/);
    equal(program, bed.program);
    equal(address, "unset");
    equal(words, args.map((word) => `[${word}]`).join(""));
    assertOneVersion(bed.cache);
  }
});

test("becomes the program that it starts: signals are for that one", async (bed) => {
  const child = new Deno.Command(bed.program, { args: ["wait"], env: bed.env, clearEnv: true }).spawn();
  await until(
    () => Deno.readTextFileSync(`/proc/${child.pid}/cmdline`).startsWith("sleep"),
    "it runs what it extracted",
    { withinMs: 20_000 },
  );
  child.kill("SIGTERM");
  equal((await child.status).signal, "SIGTERM");
});

for (
  const { how, through } of [
    { how: "by a relative path", through: () => ["./sollol"] },
    { how: "by a path with dots", through: () => ["./tools/../sollol"] },
    { how: "as an argument of sh", through: () => ["sh", "sollol"] },
    { how: "by a link", through: (bed: PortableBed) => [join(bed.directory, "link")] },
    { how: "from the PATH", through: () => ["sh", "-c", 'PATH=$PWD:$PATH; exec sollol "$@"', "sh"] },
  ]
) {
  test(`finds itself when it is called ${how}`, async (bed) => {
    await Deno.symlink(bed.program, join(bed.directory, "link"));
    const { code, stdout, stderr } = await bed.run(["a b"], { through: through(bed) });
    deepEqual({ code, stderr }, { code: 7, stderr: "" });
    const [, program, , , words] = stdout.split("\n");
    ok(program!.startsWith("/"), program);
    equal(await Deno.realPath(program!), await Deno.realPath(bed.program));
    equal(words, "[a b]");
  });
}

for (const shell of ["dash", "bash", "busybox"]) {
  const { code } = await output("sh", ["-c", `command -v ${shell}`]);
  test(`runs in ${shell}`, async (bed) => {
    const { stdout } = await output("sh", ["-c", `command -v ${shell}`]);
    const through = [
      stdout.trim(),
      ...shell === "dash" ? [] : shell === "bash" ? ["--posix"] : ["sh"],
      "sollol",
    ];
    equal((await bed.run([], { through })).code, 7);
    assertOneVersion(bed.cache);
  }, { ignore: code !== 0 });
}

for (
  const { name, env, at } of [
    {
      name: "SOLLOL_PORTABLE_DIR, before all others",
      env: { SOLLOL_PORTABLE_DIR: "named dir", CACHE_DIRECTORY: "cached", XDG_CACHE_HOME: "xdg" },
      at: "named dir",
    },
    {
      name: "the first of systemd's cache directories",
      env: { CACHE_DIRECTORY: "cached:other" },
      at: "cached",
    },
    {
      name: "systemd's cache directory behind the link that a DynamicUser= has",
      env: { CACHE_DIRECTORY: "link" },
      at: "cached",
    },
    { name: "XDG_CACHE_HOME", env: { XDG_CACHE_HOME: "xdg" }, at: "xdg/sollol" },
    {
      name: "a directory of its own in TMPDIR where there is no HOME, as under cron",
      env: { HOME: "", TMPDIR: "temporary" },
      at: `temporary/sollol-${Deno.uid()}`,
    },
    {
      name: "the next place where HOME cannot be written to",
      env: { HOME: "sollol", TMPDIR: "temporary" },
      at: `temporary/sollol-${Deno.uid()}`,
    },
  ]
) {
  test(`extracts itself to ${name}`, async (bed) => {
    await Deno.mkdir(join(bed.directory, "cached")); // systemd makes it
    await Deno.symlink("cached", join(bed.directory, "link"));
    const inBed = Object.fromEntries(
      Object.entries(env).map((
        [key, path],
      ) => [key, path && path.split(":").map((one) => join(bed.directory, one)).join(":")]),
    );
    const { code, stderr } = await bed.run([], { env: { ...bed.env, ...inBed } });
    deepEqual({ code, stderr }, { code: 7, stderr: "" });
    assertOneVersion(join(bed.directory, at));
  });
}

test("can be started for the first time many times at once", async (bed) => {
  const ended = await Promise.all(Array.from({ length: 8 }, () => bed.run(["x"])));
  for (const { code, stderr } of ended) deepEqual({ code, stderr }, { code: 7, stderr: "" });
  assertOneVersion(bed.cache);
});

test("starts after one that was killed while it extracted, and tidies up behind it", async (bed) => {
  await bed.run();
  const [version] = namesIn(bed.cache);
  const home = join(bed.cache, version!);
  await Deno.remove(join(home, "deno")); // it comes last, so that is what is missing
  const dead = new Deno.Command("true").spawn();
  await dead.status;
  await Deno.mkdir(join(home, `.new.${dead.pid}`));
  await Deno.writeTextFile(join(home, `.new.${dead.pid}`, "deno"), "half of it");
  equal((await bed.run()).code, 7);
  assertOneVersion(bed.cache);
});

test("is not confused by files that a power cut left empty", async (bed) => {
  await bed.run();
  const [version] = namesIn(bed.cache);
  await Deno.truncate(join(bed.cache, version!, "deno"));
  equal((await bed.run()).code, 7);
  assertOneVersion(bed.cache);
});

test("leaves alone what lies beside it", async (bed) => {
  const models = join(bed.directory, "sollol-models");
  await Deno.mkdir(models);
  await bed.run([], { env: { ...bed.env, SOLLOL_PORTABLE_DIR: bed.directory } });
  ok(namesIn(bed.directory).includes("sollol-models"));
});

test("removes other versions of itself, but not one that runs", async (bed) => {
  await bed.run();
  await bed.pack("other licences");
  await bed.run();
  assertOneVersion(bed.cache);
  const [version] = namesIn(bed.cache);
  const deno = join(bed.cache, version!, "deno");
  await Deno.copyFile(await Deno.realPath(join(bed.env["PATH"]!, "sleep")), deno);
  const running = new Deno.Command(deno, { args: ["100"] }).spawn();
  try {
    await bed.pack("yet others");
    await bed.run();
    equal(namesIn(bed.cache).length, 2);
  } finally {
    running.kill("SIGKILL");
    await running.status;
  }
});

for (
  const { name, harm, says } of [
    {
      name: "was cut short",
      harm: (bed: PortableBed) => Deno.truncate(bed.program, Deno.statSync(bed.program).size - 100),
      says: /gzip|tar/,
    },
    {
      name: "holds a changed byte",
      harm: async (bed: PortableBed) => {
        using file = await Deno.open(bed.program, { write: true });
        await file.seek(-300, Deno.SeekMode.End);
        await file.write(new Uint8Array(50).fill(65));
      },
      says: /gzip|tar/,
    },
  ]
) {
  test(`that ${name} says so and leaves nothing`, async (bed) => {
    await harm(bed);
    const { code, stdout, stderr } = await bed.run([], {
      env: { ...bed.env, SOLLOL_PORTABLE_DIR: bed.cache },
    });
    deepEqual({ code, stdout }, { code: 1, stdout: "" });
    match(stderr, /^sollol: Cannot extract sollol-/);
    match(stderr, says);
    deepEqual(namesIn(bed.cache), []);
  });
}

test("whose Deno does not run on this system says so and leaves nothing", async (bed) => {
  const env = { ...bed.env, FAKE_DENO_BREAKS: "1", SOLLOL_PORTABLE_DIR: bed.cache };
  const { code, stderr } = await bed.run([], { env });
  equal(code, 1);
  match(stderr, /Deno does not run on this system/);
  deepEqual(namesIn(bed.cache), []);
});

test("for another machine says so", async (bed) => {
  await packPortable(join(bed.directory, "content"), "vax", bed.program);
  const { code, stderr } = await bed.run();
  equal(code, 1);
  match(stderr, new RegExp(`^sollol: This file is for Linux on vax, and this is Linux ${MACHINE};`));
});

test("does not run what somebody else put into a shared directory", async (bed) => {
  const place = join(bed.directory, `sollol-${Deno.uid()}`);
  const env = { ...bed.env, HOME: "", TMPDIR: bed.directory };
  await bed.run([], { env });
  await output("chown", ["-R", "12345", place]);
  const { code, stderr } = await bed.run([], { env });
  equal(code, 1);
  match(stderr, /sollol-\d+: it belongs to somebody else/);
}, { ignore: Deno.uid() !== 0 });

const canMount = (await output("unshare", ["--mount", "true"]).catch(() => ({ code: 1 }))).code === 0;

for (
  const { name, options, says } of [
    { name: "where programs may not be run", options: "noexec", says: /noexec/ },
    { name: "on a full disk", options: "size=2m", says: /No space left on device/ },
  ]
) {
  test(
    `that is to go ${name} says so and leaves nothing; without that wish it goes elsewhere`,
    async (bed) => {
      const mount = join(bed.directory, "mount");
      await Deno.mkdir(mount);
      const script =
        `mount -t tmpfs -o ${options} tmpfs "$1" && shift && PATH=$TOOLS && "$@"; code=$?; ls -A "$MOUNT"; exit $code`;
      const runOn = (env: Record<string, string>) =>
        bed.command("unshare", ["--mount", "sh", "-c", script, "sh", mount, bed.program], {
          ...bed.env,
          PATH: Deno.env.get("PATH")!,
          TOOLS: bed.env["PATH"]!,
          MOUNT: mount,
          ...env,
        });
      const strict = await runOn({ SOLLOL_PORTABLE_DIR: mount });
      deepEqual({ code: strict.code, stdout: strict.stdout }, { code: 1, stdout: "" });
      match(strict.stderr, says);
      match(strict.stderr, /Free some space, or name a directory .*SOLLOL_PORTABLE_DIR/);
      const free = await runOn({ CACHE_DIRECTORY: mount });
      equal(free.code, 7, free.stderr);
      assertOneVersion(bed.cache);
    },
    { ignore: !canMount },
  );
}
